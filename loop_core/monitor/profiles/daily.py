"""Day by day counts of chosen columns: from the stored profiles where they fit, from the rows where they do not."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING, Any, TypeVar

from loop_core.charter import Cohort
from loop_core.errors import StorageError
from loop_core.labels import read_at
from loop_core.lake import Reading
from loop_core.monitor.changes import changed_days, changes
from loop_core.monitor.kept import kept_of, large_of
from loop_core.monitor.profiles import store
from loop_core.monitor.profiles.follow import BATCH
from loop_core.monitor.profiles.learn import FAR, learn_plan
from loop_core.monitor.profiles.plan import Plan, Span, key_of, number_of
from loop_core.monitor.profiles.reference import reference_days, score_days
from loop_core.monitor.profiles.refresh import refresh_profiles
from loop_core.monitor.profiles.sources import SOURCES, bound
from loop_core.monitor.profiles.tally import Tally
from loop_core.workspace import Loop

if TYPE_CHECKING:
    import polars as pl

T = TypeVar("T")

#: Who the lake says brought profiles up to date when a reader did.
READER = "monitor"
_COLUMNS = ("day", "subject", "cohort_value", "counts", "finite", "total", "squares")


@dataclass(frozen=True)
class Days:
    """Days of a loop as known at one instant."""

    loop: Loop
    reading: Reading
    plan: Plan
    stored: bool
    """Whether the stored profiles are of these bins."""

    def counts(self, span: Span, cohort: Cohort | None, subjects: Sequence[str]) -> pl.DataFrame:
        """Profile rows (see `Tally.frames`) of the days in a span, nothing later than the instant."""
        if not self.stored:
            content = (self.loop.name, self.plan.id, self.reading.as_of, self.loop.lake.snapshot())
            kept: pl.DataFrame = large_of(self.loop.lake).get(
                (*content, span, cohort and cohort.name, tuple(subjects)),
                lambda: self._from_rows(span, cohort, subjects),
            )
            return kept
        as_of = self.reading.as_of
        today = as_of.date()
        found = [self._from_profiles(Span(span.start, min(span.end, today)), cohort, subjects)]
        # The day of `as_of` has begun: what came of it until then is counted from its rows.
        if as_of.timetz() != time(tzinfo=UTC) and span.start <= today < span.end:
            found.append(self._from_rows(Span(today, next_day(today)), cohort, subjects))
        return _together(found)

    def of_all_cohorts(self, span: Span, subjects: Sequence[str]) -> pl.DataFrame:
        """Stored profile rows with a column `cohort`, everybody's too (null)."""
        return self._stored(span, "true", subjects, ", cohort")

    def held(self, span: Span, subjects: Sequence[str]) -> pl.DataFrame:
        """`of_all_cohorts`, kept in memory for `counts` of everybody on the same days."""
        frame = self.of_all_cohorts(span, subjects)
        kept_of(self.loop.lake).put(("days", self.loop.name), (self._content(span, subjects), frame))
        return frame

    def _stored(self, span: Span, where: str, subjects: Sequence[str], extra: str = "", **given: Any) -> pl.DataFrame:
        return self.loop.lake.frame(
            f"select {', '.join(_COLUMNS)}{extra} from {self.loop.table('profiles')}"
            # Almost every row has these bins: the catalogue need not tell which files have rows with them.
            f" where concat(binning) = $binning and day >= $start and day < $end and list_contains($subjects, subject) and {where}",
            {"binning": self.plan.id, **vars(span), "subjects": list(subjects), **given},
        )

    def of_reference(self, span: Span, what: tuple[object, ...], make: Callable[[], T]) -> T:
        """What is made of the days of a reference, kept in memory until a row of them comes, goes or changes.

        Args:
            span: the reference.
            what: tells this result from others of the same days.
            make: makes it.
        """
        if not self.stored:
            return self._once(span, what, make)
        kept, loop, snapshot = kept_of(self.loop.lake), self.loop, self.loop.lake.snapshot()
        key = ("reference", loop.name, self.plan.id, span, *what)
        since, found = kept.look(key, (None, None))
        changed = None if since is None or since > snapshot else changed_days(loop, since, snapshot)
        if changed is None or any(number_of(span.start) <= day < number_of(span.end) for day in changed):
            found = make()
        result: T = kept.put(key, (snapshot, found))[1]
        return result

    def _once(self, span: Span, what: tuple[object, ...], make: Callable[[], T]) -> T:
        """As `of_reference`, of rows; days that are over are the same at every later instant."""
        if span.instants[1] > self.reading.as_of:
            return make()
        key = ("reference of rows", self.loop.name, self.plan.id, self.loop.lake.snapshot(), span, *what)
        result: T = kept_of(self.loop.lake).get(key, make)
        return result

    def _from_profiles(self, span: Span, cohort: Cohort | None, subjects: Sequence[str]) -> pl.DataFrame:
        import polars as pl

        if span.start >= span.end:
            return pl.DataFrame()
        if cohort is not None:
            return self._stored(span, "cohort = $cohort", subjects, cohort=cohort.name)
        held: tuple[object, pl.DataFrame] | None = kept_of(self.loop.lake).look(("days", self.loop.name))
        if held is not None and held[0] == self._content(span, subjects):
            return held[1].filter(pl.col("cohort").is_null())
        return self._stored(span, "cohort is null", subjects)

    def _content(self, span: Span, subjects: Sequence[str]) -> object:
        return self.plan.id, self.loop.lake.snapshot(), span, tuple(subjects)

    def _from_rows(self, span: Span, cohort: Cohort | None, subjects: Sequence[str]) -> pl.DataFrame:
        import polars as pl

        cohorts = [] if cohort is None else [cohort]
        ends, frames = dict(zip(("first", "last"), span.instants, strict=True)), list[pl.DataFrame]()
        for source in SOURCES:
            wanted = [name for name in source.subjects(self.plan) if name in subjects]
            where = f"{source.time} >= $first and {source.time} < $last"
            tally = Tally(self.plan, cohorts, wanted, everybody=cohort is None)
            view, sql = source.rows(self.reading, self.plan, cohorts, wanted, where)
            for batch in view.batches(sql, BATCH, **bound(self.plan, wanted), **ends) if wanted else ():
                tally.add(batch)
            frames += tally.frames() if wanted else ()
        return _together(frames)


@contextmanager
def days_at(loop: Loop, as_of: datetime) -> Iterator[Days | None]:
    """The loop's days at an instant, read in one snapshot of the lake; None: there is no reference yet."""
    with ExitStack() as held:
        held.enter_context(loop.lake.one_snapshot())
        found = reference_days(loop, as_of)
        yield _days(loop, as_of, *found, held) if found else None


@contextmanager
def stored_days(loop: Loop, as_of: datetime) -> Iterator[Days | None]:
    """The loop's days out of the newest profiles, for what does not depend on the reference of the instant; None: not
    every row is counted in them."""
    with loop.lake.one_snapshot():
        wanted = reference_days(loop, FAR)
        mark = _counted_of(loop, wanted[0]) if wanted else None
        yield Days(loop, read_at(loop, as_of), store.read_plan(loop, mark), True) if mark else None


def _counted_of(loop: Loop, key: str) -> store.Mark | None:
    """The mark of profiles of a reference in which every row is counted; None: they have to be brought up to date."""
    kept, content = kept_of(loop.lake), ("profiled", loop.name, loop.lake.snapshot(), key)
    mark: store.Mark | None = kept.look(content) or _counted(loop)
    return kept.put(content, mark) if mark is not None and mark.key == key else None


def _days(loop: Loop, as_of: datetime, key: str, span: Span, held: ExitStack) -> Days:
    reading, scores = read_at(loop, as_of), score_days(loop, as_of)
    content = ("profiled", loop.name, loop.lake.snapshot(), key)
    mark: store.Mark | None = kept_of(loop.lake).get(content, lambda: _current(loop, held))
    plan = _fitting(loop, mark, scores) if mark is not None and mark.key == key else None
    return Days(loop, reading, plan or _learned(loop, reading, key, span, scores), plan is not None)


@contextmanager
def days_against(loop: Loop, as_of: datetime, start: datetime, end: datetime) -> Iterator[Days | None]:
    """The loop's days beside a reference of one's own choice, without the score: counted from rows, nothing is stored.

    Args:
        loop: the loop.
        as_of: UTC instant; nothing later is seen.
        start, end: the reference, before `as_of`.

    None: the reference is not even a day long.
    """
    span = Span.of(start, min(end, as_of))
    with loop.lake.one_snapshot():
        yield _against(loop, as_of, span) if span else None


def _against(loop: Loop, as_of: datetime, span: Span) -> Days:
    reading, key = read_at(loop, as_of), key_of(loop.charter, None, span)
    # What is learned from days that are over is the same at every later instant.
    content = ("learned against", loop.name, key, loop.lake.snapshot())
    plan: Plan = kept_of(loop.lake).get(content, lambda: learn_plan(reading, key, span, None))
    return Days(loop, reading, plan, False)


def _fitting(loop: Loop, mark: store.Mark, scores: tuple[str, Span] | None) -> Plan | None:
    """The stored bins; None: they are of other scores than those that are asked for."""
    plan = store.read_plan(loop, mark)
    if plan.scored is None:
        # Its first weeks may be over for a reader and not for whoever refreshed before anything new came.
        return None if scores is not None and _answered(loop, scores) else plan
    return plan if (plan.scored.version, plan.scored.span) == scores else None


def _current(loop: Loop, held: ExitStack) -> store.Mark | None:
    """The mark of profiles in which every row is counted; None: there are none, and none could be made."""
    wanted = reference_days(loop, FAR)
    if (mark := _counted(loop)) is not None and wanted is not None and mark.key == wanted[0]:
        return mark
    held.close()
    with suppress(StorageError):  # a lake that cannot be written is read as it stands
        refresh_profiles(loop, actor=READER)
    held.enter_context(loop.lake.one_snapshot())
    return _counted(loop)


def _counted(loop: Loop) -> store.Mark | None:
    mark = store.read_mark(loop)
    if mark is None:
        return None
    since = changes(loop, mark.snapshot, loop.lake.snapshot())
    return mark if since.whole and not since.profiled else None


def _answered(loop: Loop, scores: tuple[str, Span]) -> bool:
    """Whether a champion has scores in the span that they would be compared with."""
    version, span = scores
    first, last = span.instants
    sql = f"select count(*) from {loop.table('predictions')} where model_version = $version and score is not null"
    given = {"version": version, "first": first, "last": last}
    return bool(loop.lake.rows(f"{sql} and predicted_at >= $first and predicted_at < $last", given)[0][0])


def _learned(loop: Loop, reading: Reading, key: str, span: Span, scores: tuple[str, Span] | None) -> Plan:
    content = ("learned", loop.name, key, span, scores, reading.as_of, loop.lake.snapshot())
    plan: Plan = kept_of(loop.lake).get(content, lambda: learn_plan(reading, key, span, scores))
    return plan


def next_day(day: date) -> date:
    """The day after."""
    return date.fromordinal(day.toordinal() + 1)


def _together(frames: Sequence[pl.DataFrame]) -> pl.DataFrame:
    import polars as pl

    there = [frame.select(_COLUMNS) for frame in frames if frame.height]
    return pl.concat(there) if there else pl.DataFrame()
