"""The series of all declared cohorts at once: what a look each week at every cohort value can afford."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, time
from functools import cache
from typing import TYPE_CHECKING

from loop_core.monitor.profiles.daily import Days, days_at
from loop_core.monitor.profiles.plan import LATENCY, RATING, Span
from loop_core.monitor.profiles.series import Series, Sums, profile_series, series_of, windows_of
from loop_core.windows import Windows
from loop_core.workspace import Loop

if TYPE_CHECKING:
    import polars as pl


def cohort_series(loop: Loop, as_of: datetime, *, weeks: int, min_rows: int = 1) -> list[Series]:
    """`profile_series` of every declared cohort, one after another. The rows of the newest windows are read in one go;
    the sums of the reference are kept in memory until a row of it comes or goes.

    Args:
        loop: the loop.
        as_of: UTC instant; nothing later is seen.
        weeks: how many windows.
        min_rows: cohort values with fewer rows in the newest window may be left out.
    """
    if not loop.charter.cohorts:
        return []
    with days_at(loop, as_of) as days:
        if days is None:
            return []
        if not days.stored or as_of.astimezone(UTC).timetz() != time(tzinfo=UTC):
            return [s for c in loop.charter.cohorts for s in profile_series(loop, as_of, weeks=weeks, cohort=c.name)]
        return _series(days, Windows.at(as_of, loop.charter.monitor.window_days), weeks, min_rows)


def _series(days: Days, windows: Windows, weeks: int, min_rows: int) -> list[Series]:
    import polars as pl

    current = Span(windows.start(weeks).date(), windows.end.date())
    subjects = [name for name in days.plan.subjects if name not in (LATENCY, RATING)]
    answers = days.plan.answers
    parts = [[name for name in subjects if name not in answers], [name for name in subjects if name in answers]]
    now = days.held(current, subjects).filter(pl.col("cohort").is_not_null())
    now = _large(now, windows, min_rows)
    found = {
        cohort.name: windows_of(now.filter(pl.col("cohort") == cohort.name), current, windows, days, subjects)
        for cohort in days.loop.charter.cohorts
        if not now.is_empty()
    }
    return [one for part in parts if part for one in _of(days, windows, found, part)]


def _large(rows: pl.DataFrame, windows: Windows, least: int) -> pl.DataFrame:
    """The rows of cohort values of which some column has so many rows in the newest window."""
    import polars as pl

    if rows.is_empty():
        return rows
    newest = rows.filter(pl.col("day") >= windows.start(1).date())
    sizes = newest.group_by("cohort", "cohort_value", "subject").agg(pl.col("counts").list.sum().sum().alias("n"))
    large = sizes.filter(pl.col("n") >= least).select("cohort", "cohort_value").unique()
    return rows.join(large, on=["cohort", "cohort_value"], how="semi", nulls_equal=True)


def _of(days: Days, windows: Windows, found: Mapping[str, Sums], subjects: Sequence[str]) -> Iterator[Series]:
    span = days.plan.span_of(subjects[0])
    what = ("cohorts", windows.days, tuple(subjects))
    usual = days.of_reference(span, what, lambda: _reference(days, windows.days, span, subjects))
    spans_of = cache(lambda numbers: tuple(map(windows.span, numbers)))
    for name, sums in found.items():
        cohort, before = days.loop.charter.cohort(name), usual.get(name, {})
        for subject in subjects:
            for value, there in sums[subject].items():
                reference = before.get(subject, {}).get(value)
                yield series_of(days, cohort, subject, value, spans_of(there.numbers), there, reference)


def _reference(days: Days, length: int, span: Span, subjects: Sequence[str]) -> dict[str, Sums]:
    import polars as pl

    rows = days.of_all_cohorts(span, subjects)
    whole = Windows(span.instants[1], length)
    names = [cohort.name for cohort in days.loop.charter.cohorts]
    return {name: windows_of(rows.filter(pl.col("cohort") == name), span, whole, days, subjects) for name in names}
