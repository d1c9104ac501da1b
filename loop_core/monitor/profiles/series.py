"""One column's counts, window by window, beside those of its reference: what every binned drift score is made of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from loop_core.charter import Cohort
from loop_core.monitor.profiles.binning import Binning, Counts, NumberBins
from loop_core.monitor.profiles.daily import Days, days_at
from loop_core.monitor.profiles.plan import LATENCY, SCORE, Span, number_of
from loop_core.windows import Windows
from loop_core.workspace import Loop

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class Moments:
    """Sums over the numbers of each window, from which means and standard deviations follow."""

    n: Counts
    """(W,) rows."""
    nulls: Counts
    """(W,) rows without a value."""
    finite: Counts
    """(W,) rows behind `total` and `squares`: neither null nor infinite."""
    total: Counts
    """(W,) sums."""
    squares: Counts
    """(W,) sums of squares."""


@dataclass(frozen=True)
class Series:
    """One column of everybody or of one cohort value."""

    column: str
    """Feature name, or `score`."""
    cohort: str | None
    """Cohort name; None: everybody."""
    cohort_value: str | None
    binning: Binning
    reference_start: datetime
    reference_end: datetime
    """Exclusive."""
    reference: Counts
    """(R, K) rows per bin in each window of the reference, oldest first; R = 0: it did not occur there."""
    numbers: tuple[int, ...]
    """(W,) window numbers in which there were rows, oldest first; 0 is the newest window."""
    spans: tuple[tuple[datetime, datetime], ...]
    """(W,) start and end (exclusive) of each."""
    counts: Counts
    """(W, K) rows per bin."""
    moments: Moments | None
    """None: the column is no number."""
    reference_moments: Moments | None
    """The same sums for the windows of the reference, (R,)."""


def profile_series(
    loop: Loop,
    as_of: datetime,
    *,
    weeks: int | None = 12,
    cohort: str | None = None,
    columns: Sequence[str] | None = None,
) -> list[Series]:
    """Features and the champion's score in the newest windows, beside their reference: whole days from the profiles.

    Args:
        loop: the loop.
        as_of: UTC instant; nothing later is seen.
        weeks: how many windows (of the charter's `window_days`); None: all there are.
        cohort: split by this declared cohort, each value beside its own reference. Values that are not among the
            largest of the reference (`max_values`) are `(other)`.
        columns: only these: features, `score`, `latency_ms`; None: the features and the score.

    Returns:
        By column in the charter's order, the score last; within a column by cohort value. Empty without a reference.

    Raises:
        UnknownNameError: no such cohort.
        StorageError: the lake cannot be read.
    """
    group = loop.charter.cohort(cohort) if cohort else None
    days = days_at(loop, as_of)
    if days is None:
        return []
    windows = Windows.at(as_of, loop.charter.monitor.window_days)
    current = Span(windows.start(weeks).date(), windows.end.date())
    wanted = [c for c in days.plan.subjects if (c != LATENCY if columns is None else c in columns)]
    parts = [[c for c in wanted if c != SCORE], [c for c in wanted if c == SCORE]]
    return [one for part in parts if part for one in _of(days, windows, current, group, part)]


def _of(
    days: Days, windows: Windows, current: Span, cohort: Cohort | None, subjects: Sequence[str]
) -> Iterator[Series]:
    span = days.plan.span_of(subjects[0])
    frame = days.counts([span, current], cohort, subjects)
    usual = windows_of(frame, span, Windows(span.instants[1], windows.days), days, subjects)
    found = windows_of(frame, current, windows, days, subjects)
    for subject in subjects:
        for value in sorted(found[subject], key=lambda value: value or ""):
            yield _series(days, windows, cohort, subject, value, found[subject][value], usual[subject].get(value))


@dataclass(frozen=True)
class WindowCounts:
    """One column of one cohort value, summed to windows."""

    numbers: npt.NDArray[np.int64]
    """(W,) window numbers with rows, ascending."""
    counts: Counts
    """(W, K)"""
    sums: Counts
    """(W, 3) finite, total, squares."""


def windows_of(
    frame: pl.DataFrame, span: Span, windows: Windows, days: Days, subjects: Sequence[str]
) -> dict[str, dict[str | None, WindowCounts]]:
    """Profile rows of a span → column → cohort value → windows."""
    import polars as pl

    result: dict[str, dict[str | None, WindowCounts]] = {subject: {} for subject in subjects}
    if frame.is_empty():
        return result
    last = number_of(windows.end.date())
    inside = frame.filter((pl.col("day") >= span.start) & (pl.col("day") < span.end)).with_columns(
        w_=(pl.col("day").cast(pl.Int32).cast(pl.Int64) - last).floordiv(windows.days) + 1
    )
    for (subject,), part in inside.partition_by("subject", as_dict=True).items():
        width = len(days.plan.subjects[str(subject)].labels)
        result[str(subject)] = dict(_values(part, width))
    return result


def _values(part: pl.DataFrame, width: int) -> Iterator[tuple[str | None, WindowCounts]]:
    """The rows of one column → its cohort values with their windows."""
    part = part.sort("cohort_value", "w_")
    counts = part["counts"].explode(empty_as_null=False).to_numpy().reshape(-1, width).astype(np.float64)
    sums = part.select("finite", "total", "squares").to_numpy().astype(np.float64)
    values, numbers = part["cohort_value"].to_list(), part["w_"].to_numpy()
    starts = [i for i in range(len(values)) if not i or values[i] != values[i - 1] or numbers[i] != numbers[i - 1]]
    counts, sums = np.add.reduceat(counts, starts, axis=0), np.add.reduceat(sums, starts, axis=0)
    names, numbers = [values[i] for i in starts], numbers[starts]
    there = counts.sum(axis=1) > 0
    for value in dict.fromkeys(names):
        rows = np.array([name == value for name in names]) & there
        if rows.any():
            yield value, WindowCounts(numbers[rows], counts[rows], sums[rows])


def _series(
    days: Days,
    windows: Windows,
    cohort: Cohort | None,
    subject: str,
    value: str | None,
    found: WindowCounts,
    usual: WindowCounts | None,
) -> Series:
    binning, (start, end) = days.plan.subjects[subject], days.plan.span_of(subject).instants
    number = isinstance(binning, NumberBins)
    empty = np.zeros((0, len(binning.labels)))
    return Series(
        column=subject,
        cohort=cohort.name if cohort else None,
        cohort_value=value,
        binning=binning,
        reference_start=start,
        reference_end=end,
        reference=empty if usual is None else usual.counts,
        numbers=tuple(int(n) for n in found.numbers),
        spans=tuple(windows.span(int(n)) for n in found.numbers),
        counts=found.counts,
        moments=_moments(found.counts, found.sums) if number else None,
        reference_moments=_moments(
            empty if usual is None else usual.counts, np.zeros((0, 3)) if usual is None else usual.sums
        )
        if number
        else None,
    )


def _moments(counts: Counts, sums: Counts) -> Moments:
    return Moments(counts.sum(axis=1), counts[:, -1], *sums.T)
