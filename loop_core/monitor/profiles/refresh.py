"""Stored profiles brought up to date: what came is added, what went is taken away; new bins mean counting again."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from loop_core.errors import StorageError
from loop_core.lake import Reading, Transaction
from loop_core.monitor.changes import changes, note_changed_days
from loop_core.monitor.kept import kept_of
from loop_core.monitor.profiles import store
from loop_core.monitor.profiles.follow import BATCH, NOTHING, of_predictions, of_ratings
from loop_core.monitor.profiles.learn import FAR, learn_plan, learn_ratings
from loop_core.monitor.profiles.plan import RATING, Plan, Span
from loop_core.monitor.profiles.reference import reference_days, score_days
from loop_core.monitor.profiles.sources import SOURCES, bound
from loop_core.monitor.profiles.tally import Tally
from loop_core.workspace import Loop

if TYPE_CHECKING:
    import polars as pl

Progress = Callable[[float, str], None]

#: Bins are learned again when the reference's rows changed by more than this share: late rows came, or many left.
RELEARN_SHARE = 0.1
#: After so many snapshots in which nothing that is counted changed, the mark moves on, so that the next look is short.
FAR_BEHIND = 500
_TRIES = 20


@dataclass(frozen=True)
class ProfileState:
    """What the stored profiles are of."""

    binning: str | None
    """Hash of the bins; None: there is no whole reference yet, and nothing is stored."""
    snapshot: int | None
    """Every row up to this snapshot is counted."""
    rows: int
    """Rows that this refresh counted: 0 when nothing had changed."""
    rebuilt: bool
    """Whether everything was counted again, because the reference changed."""


@dataclass(frozen=True)
class _Wanted:
    """What the profiles should be of."""

    key: str
    span: Span
    champion: tuple[str, Span] | None
    """Whose scores; None: nobody has served long enough."""


def refresh_profiles(loop: Loop, *, actor: str, progress: Progress | None = None) -> ProfileState:
    """Bring the loop's profiles up to the newest snapshot. Cheap when nothing changed; safe from many processes.

    Args:
        loop: the loop.
        actor: recorded in the lake's snapshot.
        progress: told of a rebuild.

    Raises:
        StorageError: the lake cannot be written.
    """
    for _ in range(_TRIES):
        try:
            return _refreshed(loop, actor, progress or (lambda share, sentence: None))
        except store.MovedError:
            continue
    raise StorageError(f"The profiles of {loop.name} are written all the time", "a quiet moment", "try again")


def _refreshed(loop: Loop, actor: str, progress: Progress) -> ProfileState:
    with loop.lake.one_snapshot():
        act = _due(loop, actor, progress)
    return act()


def _due(loop: Loop, actor: str, progress: Progress) -> Callable[[], ProfileState]:
    """What is to be done, found out by reading alone."""
    mark, newest = store.read_mark(loop), loop.lake.snapshot()
    wanted = _wanted(loop, mark)
    if wanted is None:
        return lambda: ProfileState(None, None, 0, False)
    if mark is None or mark.key != wanted.key:
        return lambda: _rebuild(loop, mark, wanted, newest, actor, progress)
    since = changes(loop, mark.snapshot, newest)
    if not since.whole:
        return lambda: _rebuild(loop, mark, wanted, newest, actor, progress)
    if not since.profiled:
        return lambda: _caught_up(loop, mark, newest, actor)
    plan = store.read_plan(loop, mark)
    if plan.scored is None and wanted.champion is not None and _has_served(loop, *wanted.champion):
        return lambda: _rebuild(loop, mark, wanted, newest, actor, progress)
    return lambda: _follow(loop, mark, plan, newest, actor) or _rebuild(loop, mark, wanted, newest, actor, progress)


def _caught_up(loop: Loop, mark: store.Mark, newest: int, actor: str) -> ProfileState:
    """Nothing of ours changed; the mark follows now and then, before the snapshots behind it expire."""
    if newest - mark.snapshot > FAR_BEHIND:
        mark = loop.lake.write(lambda tx: store.add(tx, loop, mark, newest, []), actor=actor, message="profiles")
    return ProfileState(mark.binning, mark.snapshot, 0, False)


def settle_profiles(loop: Loop, *, actor: str) -> None:
    """What maintenance does before it expires snapshots: up to date, recounted, summed up; counted anew where wrong."""
    from loop_core.monitor.profiles.check import check_profiles

    if refresh_profiles(loop, actor=actor).binning is None:
        return
    wanted, wrong = _wanted(loop, None), check_profiles(loop)
    for _ in range(_TRIES):
        mark, newest = store.read_mark(loop), loop.lake.snapshot()
        with suppress(store.MovedError):
            if mark is not None and wrong and wanted is not None:
                _rebuild(loop, mark, wanted, newest, actor, lambda share, sentence: None)
            elif mark is not None and not changes(loop, mark.snapshot, newest).profiled:
                store.compact(loop, mark, newest, actor=actor)
            return


def _wanted(loop: Loop, mark: store.Mark | None) -> _Wanted | None:
    found = reference_days(loop, FAR)
    if found is None:
        return None
    if mark is None or mark.key != found[0]:  # profiles of this reference show that it was whole
        there = loop.span()
        if there is None or there[1] <= found[1].instants[1]:
            return None
    return _Wanted(*found, score_days(loop, FAR))


def _outgrown(loop: Loop, plan: Plan, newest: int) -> bool:
    """Whether to learn the bins again, because the reference got other rows."""
    rows = _reading(loop, newest).rows(
        "select count(*) from predictions where predicted_at >= $first and predicted_at < $last",
        **dict(zip(("first", "last"), plan.span.instants, strict=True)),
    )[0][0]
    return bool(abs(rows - plan.rows) > RELEARN_SHARE * max(plan.rows, 1))


def _other_ratings(loop: Loop, plan: Plan, newest: int) -> bool:
    """Whether the ratings of the reference are others than when their bins were learned."""
    learned = learn_ratings(_reading(loop, newest), plan.span)
    grown = abs(learned.rows - plan.rated.rows) > RELEARN_SHARE * max(plan.rated.rows, 1)
    return grown and learned.bins != plan.rated.bins


def _has_served(loop: Loop, version: str, span: Span) -> bool:
    """Whether a version answered until the last day of a span."""
    newest = loop.lake.rows(
        f"select max(predicted_at) from {loop.table('predictions')} where model_version = $version and score is not null",
        {"version": version},
    )[0][0]
    return newest is not None and newest >= span.instants[1] - timedelta(days=1)


def _rebuild(
    loop: Loop, mark: store.Mark | None, wanted: _Wanted, newest: int, actor: str, progress: Progress
) -> ProfileState:
    reading = _reading(loop, newest)
    champion = wanted.champion if wanted.champion and _has_served(loop, *wanted.champion) else None
    progress(0.0, "Learning the bins")
    plan = learn_plan(reading, wanted.key, wanted.span, champion)
    whole = sum(reading.rows(f"select count(*) from {source.table}")[0][0] for source in SOURCES)
    frames: list[pl.DataFrame] = []
    done = 0
    for source in SOURCES:
        subjects = source.subjects(plan)
        view, sql = source.rows(reading, plan, loop.charter.cohorts, subjects)
        tally = Tally(plan, loop.charter.cohorts, subjects)
        for batch in view.batches(sql, BATCH, **bound(plan, subjects)):
            tally.add(batch)
            done += batch.num_rows
            progress(done / whole, f"Profiled {done:,} of {whole:,} rows")
        frames += tally.frames()
    _write(
        loop, lambda tx: store.replace(tx, loop, mark, plan, newest, frames), newest, actor, "profiles counted again"
    )
    return ProfileState(plan.id, newest, done, True)


def _follow(loop: Loop, mark: store.Mark, plan: Plan, newest: int, actor: str) -> ProfileState | None:
    """Add what came and take away what went; None: that changed the reference too much for its bins."""
    since = changes(loop, mark.snapshot, newest)
    made = of_predictions(loop, plan, mark.snapshot, newest) if since.predictions else NOTHING
    said = of_ratings(loop, plan, mark, newest, made.relinked)
    if (made.touches(plan.span) and _outgrown(loop, plan, newest)) or (
        said.touches(plan.span) and _other_ratings(loop, plan, newest)
    ):
        return None
    frames, anew = [*made.frames, *said.frames], (RATING,) if said.anew else ()
    alone = _write(loop, lambda tx: store.add(tx, loop, mark, newest, frames, anew), newest, actor, "profiles")
    if alone and not since.outcomes:
        # From one refresh's own snapshot to the next, as those see it who look right after it.
        note_changed_days(loop, mark.snapshot + 1, newest + 1, made.days)
    return ProfileState(mark.binning, newest, made.rows + said.rows, False)


def _write(loop: Loop, body: Callable[[Transaction], store.Mark], newest: int, actor: str, message: str) -> bool:
    """Whether it is the snapshot next to the newest one: they are numbered in turn, so nobody changed anything between."""
    mark = loop.lake.write(body, actor=actor, message=message)
    if loop.lake.snapshot() != newest + 1:
        return False
    kept_of(loop.lake).put(("profiled", loop.name, newest + 1, mark.key), mark)
    return True


def _reading(loop: Loop, snapshot: int | None) -> Reading:
    return Reading.at(loop.lake, loop.charter, FAR, snapshot)
