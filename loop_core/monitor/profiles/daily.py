"""Day by day counts of chosen columns: from the stored profiles where they fit, from the rows where they do not."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from threading import Lock
from typing import TYPE_CHECKING, Any

from loop_core.charter import Cohort
from loop_core.errors import StorageError
from loop_core.labels import known_at
from loop_core.lake import Reading
from loop_core.monitor.profiles import store
from loop_core.monitor.profiles.learn import FAR, learn_plan
from loop_core.monitor.profiles.plan import Plan, Span, bound, row_columns
from loop_core.monitor.profiles.reference import reference_days, score_days
from loop_core.monitor.profiles.refresh import BATCH, changes, refresh_profiles
from loop_core.monitor.profiles.tally import Tally
from loop_core.workspace import Loop

if TYPE_CHECKING:
    import polars as pl

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

    def counts(self, spans: Sequence[Span], cohort: Cohort | None, subjects: Sequence[str]) -> pl.DataFrame:
        """Profile rows (see `Tally.frames`) of the days in any of the spans, nothing later than the instant."""
        if not self.stored:
            kept: pl.DataFrame = _KEPT.get(
                (*self._content(), tuple(spans), cohort and cohort.name, tuple(subjects)),
                lambda: self._from_rows(spans, cohort, subjects),
            )
            return kept
        as_of = self.reading.as_of
        today = Span(as_of.date(), as_of.date())
        whole = [Span(span.start, min(span.end, today.start)) for span in spans]
        found = [self._from_profiles([span for span in whole if span.start < span.end], cohort, subjects)]
        # The day of `as_of` has begun: what came of it until then is counted from its rows.
        if as_of.timetz() != time(tzinfo=UTC) and any(span.start <= today.start < span.end for span in spans):
            found.append(self._from_rows([Span(today.start, next_day(today.start))], cohort, subjects))
        return _together(found)

    def stored_rows(self, where: str, given: dict[str, Any], extra: str = "") -> pl.DataFrame:
        """Stored profile rows of these bins by a condition, with more columns if asked for (`, cohort`)."""
        return self.loop.lake.frame(
            f"select {', '.join(_COLUMNS)}{extra} from {self.loop.table('profiles')} where binning = $binning and {where}",
            {"binning": self.plan.id, **given},
        )

    def _from_profiles(self, spans: Sequence[Span], cohort: Cohort | None, subjects: Sequence[str]) -> pl.DataFrame:
        days = " or ".join(f"(day >= $first{k} and day < $end{k})" for k in range(len(spans))) or "false"
        given: dict[str, Any] = {"subjects": list(subjects)}
        for k, span in enumerate(spans):
            given |= {f"first{k}": span.start, f"end{k}": span.end}
        which = "cohort is null" if cohort is None else "cohort = $cohort"
        given |= {} if cohort is None else {"cohort": cohort.name}
        return self.stored_rows(f"{which} and list_contains($subjects, subject) and ({days})", given)

    def _from_rows(self, spans: Sequence[Span], cohort: Cohort | None, subjects: Sequence[str]) -> pl.DataFrame:
        cohorts = [] if cohort is None else [cohort]
        tally = Tally(self.plan, cohorts, subjects, everybody=cohort is None)
        days = " or ".join(f"(predicted_at >= $first{k} and predicted_at < $end{k})" for k in range(len(spans)))
        given: dict[str, Any] = bound(self.plan, subjects)
        for k, span in enumerate(spans):
            given |= dict(zip((f"first{k}", f"end{k}"), span.instants, strict=True))
        sql = f"select {row_columns(self.plan, cohorts, subjects)} from predictions where {days or 'false'}"
        for batch in self.reading.batches(sql, BATCH, **given):
            tally.add(batch)
        return _together(list(tally.frames()))

    def _content(self) -> tuple[object, ...]:
        loop = self.loop
        return loop.identity, self.plan.id, self.reading.as_of, loop.lake.snapshot()


def days_at(loop: Loop, as_of: datetime) -> Days | None:
    """The loop's days at an instant; None: there is no reference yet."""
    found = reference_days(loop, as_of)
    if found is None:
        return None
    reading, scores = known_at(loop, as_of), score_days(loop, as_of)
    mark = _KEPT.get((loop.identity, loop.lake.snapshot()), lambda: _current(loop))
    if mark is not None and mark.key == found[0]:
        plan = _KEPT.get((loop.identity, mark.binning), lambda: store.read_plan(loop, mark))
        if plan.scored is None and scores is not None:
            # Its first weeks may be over for a reader and not for whoever refreshed before anything new came.
            plan = plan if not _answered(loop, scores) else None
        elif plan.scored is not None and (plan.scored.version, plan.scored.span) != scores:
            plan = None
        if plan is not None:
            return Days(loop, reading, plan, True)
    return Days(loop, reading, _learned(loop, reading, *found, scores), False)


def _current(loop: Loop) -> store.Mark | None:
    """The mark of profiles in which every row is counted; None: there are none, and none could be made."""
    wanted = reference_days(loop, FAR)
    if (mark := _counted(loop)) is not None and wanted is not None and mark.key == wanted[0]:
        return mark
    with suppress(StorageError):  # a lake that cannot be written is read as it stands
        refresh_profiles(loop, actor=READER)
    return _counted(loop)


def _counted(loop: Loop) -> store.Mark | None:
    mark = store.read_mark(loop)
    if mark is None:
        return None
    since = changes(loop, mark.snapshot, loop.lake.snapshot())
    return mark if since.whole and not since.touched else None


def _answered(loop: Loop, scores: tuple[str, Span]) -> bool:
    """Whether a champion has scores in the span that they would be compared with."""
    version, span = scores
    first, last = span.instants
    sql = f"select count(*) from {loop.table('predictions')} where model_version = $version and score is not null"
    given = {"version": version, "first": first, "last": last}
    return bool(loop.lake.rows(f"{sql} and predicted_at >= $first and predicted_at < $last", given)[0][0])


def _learned(loop: Loop, reading: Reading, key: str, span: Span, scores: tuple[str, Span] | None) -> Plan:
    content = (loop.identity, key, span, scores, reading.as_of, loop.lake.snapshot())
    plan: Plan = _KEPT.get(content, lambda: learn_plan(reading, key, span, scores))
    return plan


def next_day(day: date) -> date:
    """The day after."""
    return date.fromordinal(day.toordinal() + 1)


def _together(frames: Sequence[pl.DataFrame]) -> pl.DataFrame:
    import polars as pl

    there = [frame.select(_COLUMNS) for frame in frames if frame.height]
    return pl.concat(there) if there else pl.DataFrame()


class _Kept:
    """The last few results; one process serves several pages at once."""

    def __init__(self, size: int) -> None:
        self._size, self._lock = size, Lock()
        self._found: OrderedDict[object, Any] = OrderedDict()

    def get(self, key: object, make: Callable[[], Any]) -> Any:
        with self._lock:
            if key in self._found:
                self._found.move_to_end(key)
                return self._found[key]
        made = make()
        with self._lock:
            self._found[key] = made
            while len(self._found) > self._size:
                self._found.popitem(last=False)
        return made


_KEPT = _Kept(32)
