"""What changed between two snapshots of the lake, as counts to add to the profiles."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, Literal

from loop_core.lake import Reading
from loop_core.lake.times import happened
from loop_core.monitor.changes import changes
from loop_core.monitor.profiles.learn import FAR
from loop_core.monitor.profiles.plan import RATING, UNLINKED, Plan, Span
from loop_core.monitor.profiles.sources import PREDICTIONS, RATINGS, bound, row_columns
from loop_core.monitor.profiles.store import Mark
from loop_core.monitor.profiles.tally import Tally
from loop_core.workspace import Loop

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa

#: Rows counted at once.
BATCH = 500_000


#: None, those that belonged to no prediction, or any.
Relinked = Literal["none", "unlinked", "any"]


@dataclass(frozen=True)
class Delta:
    """Counts to add, and what they are of."""

    frames: Sequence[pl.DataFrame]
    """Signed profile rows, see `Tally.frames`."""
    rows: int
    """Rows that were counted."""
    days: frozenset[int] = frozenset()
    """Days since 1970 of which rows came or went."""
    relinked: Relinked = "none"
    """Which ratings may belong to other cohort values now."""
    anew: bool = False
    """Whether the counts are not to be added, but to take the place of what is stored."""

    def touches(self, span: Span) -> bool:
        """Whether one of its days is in a span."""
        return any(frame["day"].is_between(span.start, span.end, closed="left").any() for frame in self.frames)


NOTHING = Delta((), 0)


def of_predictions(loop: Loop, plan: Plan, after: int, to: int) -> Delta:
    """Predictions that came or went in the snapshots (after, to]; one that changed did both."""
    subjects, rows, days = PREDICTIONS.subjects(plan), 0, set[int]()
    tally = Tally(plan, loop.charter.cohorts, subjects)
    came, went = (_feed(loop, plan, subjects, change, after + 1, to) for change in ("insertions", "deletions"))
    starts = [list(islice(source, 2)) for source in (came, went)]
    moved = _moved(plan, *starts[0], *starts[1]) if [len(start) for start in starts] == [1, 1] else None
    for sign, start, rest in ((1, starts[0], came), (-1, starts[1], went)):
        for batch in chain(start, rest):
            tally.add(batch, sign, moved)
            rows += batch.num_rows
            days |= set(batch.column("d_").unique().to_pylist())
    relinked: Relinked = "none" if moved is not None else "any" if starts[1] else "unlinked"
    return Delta(list(tally.frames()), rows, frozenset(days), relinked)


def of_ratings(loop: Loop, plan: Plan, mark: Mark, to: int, relinked: Relinked) -> Delta:
    """Ratings that came, went or changed since a mark, and those whose prediction did: as they were taken away, as they
    are added. All there are, where it can no longer be read how they were.

    Args:
        loop: the loop.
        plan: the mark's.
        mark: up to where they are counted.
        to: the snapshot to follow to.
        relinked: `Delta.relinked` of the predictions.
    """
    since = changes(loop, mark.snapshot, to)
    where = [_CHANGED] if since.feedback else []
    if loop.charter.cohorts and relinked != "none" and _holds(loop, mark, relinked):
        where.append(_RELINKED)
    if not where:
        return NOTHING
    tally, rows = Tally(plan, loop.charter.cohorts, (RATING,)), 0
    signs = {mark.snapshot: -1, to: 1} if since.since else {to: 1}
    for snapshot, sign in signs.items():
        reading = Reading.at(loop.lake, loop.charter, FAR, snapshot)
        view, sql = RATINGS.rows(
            reading, plan, loop.charter.cohorts, (RATING,), " or ".join(where) if since.since else "true"
        )
        given = {"schema": loop.name, "first": mark.snapshot + 1, "last": to} if since.since else {}
        for batch in view.batches(sql, BATCH, **given):
            tally.add(batch, sign)
            rows += batch.num_rows
    return Delta(list(tally.frames()), rows, anew=not since.since)


def _fed(table: str, key: str) -> str:
    feeds = (
        f"select {key} from ducklake_table_{change}('lake', $schema, '{table}', $first::bigint, $last::bigint)"
        for change in ("insertions", "deletions")
    )
    return f"{key} in ({' union all '.join(feeds)})"


_CHANGED, _RELINKED = _fed("feedback", "feedback_id"), _fed("predictions", "prediction_id")


def _holds(loop: Loop, mark: Mark, ratings: Relinked) -> bool:
    """Whether the profiles hold a rating, or one of no known prediction."""
    whose = "cohort is null" if ratings == "any" else f"cohort_value = '{UNLINKED}'"
    sql = f"select coalesce(sum(n), 0) from {loop.table('profiles')} where binning = $binning and subject = '{RATING}' and {whose}"
    return bool(loop.lake.rows(sql, {"binning": mark.binning})[0][0])


def _moved(plan: Plan, came: pa.RecordBatch, went: pa.RecordBatch) -> frozenset[str] | None:
    """Columns in which two versions of the same rows differ, most often the score alone: the others need not be counted.
    None: they are not the same rows, days and cohort values."""
    import polars as pl

    if came.num_rows != went.num_rows:
        return None
    now, before = (pl.DataFrame(batch).sort("rowid") for batch in (came, went))
    names = frozenset(name for name in now.columns if not now[name].equals(before[name], null_equal=True))
    same = not any(name in ("rowid", "d_") or name.startswith("c_") for name in names)
    # Whose answer a score is, is a column of its own.
    return (names | set(plan.answers) if "own_" in names else names) if same else None


def _feed(
    loop: Loop, plan: Plan, subjects: Sequence[str], change: str, first: int, last: int
) -> Iterator[pa.RecordBatch]:
    """Rows that came or went; an update is both. Without the join by which the joint feed tells updates."""
    source = f"ducklake_table_{change}('lake', $schema, 'predictions', $first::bigint, $last::bigint)"
    given: dict[str, Any] = {"schema": loop.name, "first": first, "last": last, **bound(plan, subjects)}
    columns = row_columns(plan, loop.charter.cohorts, subjects)
    # As in a reading: rows of no readable time are not counted.
    sql = f"select rowid, {columns} from {source} where {happened('predicted_at')}"
    yield from loop.lake.batches(sql, given, BATCH)
