"""One column's counts, window by window, beside those of its reference: what every binned drift score is made of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache, partial
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from loop_core.charter import Cohort
from loop_core.monitor.kept import large_of
from loop_core.monitor.profiles.binning import Binning, Counts, NumberBins
from loop_core.monitor.profiles.daily import Days, days_against, days_at
from loop_core.monitor.profiles.plan import LATENCY, RATING, Span, number_of
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
    """Feature name, `score`, or `score_<class>`."""
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
    is_answer: bool = False
    """Whether it is what the champion said, and its first weeks the reference."""


def profile_series(
    loop: Loop,
    as_of: datetime,
    *,
    weeks: int | None = 12,
    cohort: str | None = None,
    columns: Sequence[str] | None = None,
    reference: tuple[datetime, datetime] | None = None,
) -> list[Series]:
    """Features and the champion's score in the newest windows, beside their reference: whole days from the profiles.

    Args:
        loop: the loop.
        as_of: UTC instant; nothing later is seen.
        weeks: how many windows (of the charter's `window_days`); None: all there are.
        cohort: split by this declared cohort, each value beside its own reference. Values that are not among the
            largest of the reference (`max_values`) are `(other)`.
        columns: only these: features, `score`, `latency_ms`, `rating`; None: the features and the score. Ratings go by
            the day they were given, those of no known prediction have the cohort value `(unlinked)`.
        reference: beside this span instead of the loop's own, and then without the score; nothing is stored for it.

    Returns:
        By column in the charter's order, the score last; within a column by cohort value. Empty without a reference.

    Raises:
        UnknownNameError: no such cohort.
        StorageError: the lake cannot be read.
    """
    group = loop.charter.cohort(cohort) if cohort else None
    windows = Windows.at(as_of, loop.charter.monitor.window_days)
    with days_at(loop, as_of) if reference is None else days_against(loop, as_of, *reference) as days:
        return [] if days is None else _series(days, windows, weeks, group, columns)


def _series(
    days: Days, windows: Windows, weeks: int | None, cohort: Cohort | None, columns: Sequence[str] | None
) -> list[Series]:
    current = Span(_start(days.loop, windows, weeks).date(), windows.end.date())
    wanted = [c for c in days.plan.subjects if (c not in (LATENCY, RATING) if columns is None else c in columns)]
    answers = days.plan.answers
    parts = [
        [c for c in wanted if c not in (*answers, RATING)],
        [c for c in wanted if c in answers],
        [c for c in wanted if c == RATING],
    ]
    what = (days.loop.name, days.plan.id, days.loop.lake.snapshot(), days.reading.as_of, current, windows.days)
    # The same sums are asked for by page after page, and method after method, until something new is in the lake.
    found: Sums = large_of(days.loop.lake).get(
        ("windows", *what, cohort and cohort.name, tuple(wanted)),
        lambda: windows_of(days.counts(current, cohort, wanted), current, windows, days, wanted),
    )
    return [one for part in parts if part for one in _of(days, windows, found, cohort, part)]


def _start(loop: Loop, windows: Windows, weeks: int | None) -> datetime:
    """Where the newest windows begin: with the log at the earliest, because before it all are empty but for strays."""
    span = loop.span()
    return max(windows.start(weeks), windows.span(windows.number(span[0]))[0]) if span else windows.start(weeks)


def _of(days: Days, windows: Windows, found: Sums, cohort: Cohort | None, subjects: Sequence[str]) -> Iterator[Series]:
    span = days.plan.span_of(subjects[0])
    what = (cohort and cohort.name, windows.days, tuple(subjects))
    make = partial(_reference, days, windows.days, span, cohort, subjects)
    # What is kept is followed by the days on which predictions changed, and people speak later.
    usual = make() if RATING in subjects else days.of_reference(span, what, make)
    span_of = cache(windows.span)
    spans_of = cache(lambda numbers: tuple(map(span_of, numbers)))
    for subject in subjects:
        for value in sorted(found[subject], key=lambda value: value or ""):
            there, before = found[subject][value], usual[subject].get(value)
            yield series_of(days, cohort, subject, value, spans_of(there.numbers), there, before)


def _reference(days: Days, length: int, span: Span, cohort: Cohort | None, subjects: Sequence[str]) -> Sums:
    whole = Windows(span.instants[1], length)
    return windows_of(days.counts(span, cohort, subjects), span, whole, days, subjects)


@dataclass(frozen=True)
class WindowCounts:
    """One column of one cohort value, summed to windows."""

    numbers: tuple[int, ...]
    """(W,) window numbers with rows, ascending."""
    counts: Counts
    """(W, K)"""
    sums: Counts
    """(W, 3) finite, total, squares."""


Sums = Mapping[str, Mapping[str | None, WindowCounts]]
"""Column → cohort value → windows."""


def windows_of(frame: pl.DataFrame, span: Span, windows: Windows, days: Days, subjects: Sequence[str]) -> Sums:
    """Profile rows of a span → column → cohort value → windows. One pass over all bins of all columns."""
    import polars as pl

    result: dict[str, dict[str | None, WindowCounts]] = {subject: {} for subject in subjects}
    inside = frame if frame.is_empty() else frame.filter((pl.col("day") >= span.start) & (pl.col("day") < span.end))
    if inside.is_empty():
        return result
    day = inside["day"].cast(pl.Int32).to_numpy().astype(np.int64)
    number = (day - number_of(windows.end.date())) // windows.days + 1
    numbers = np.unique(number)
    window = np.searchsorted(numbers, number)
    names = inside["cohort_value"].unique().sort().to_list()
    value = _places(inside["cohort_value"], names)
    subject = _places(inside["subject"], list(subjects))
    widths = np.array([len(days.plan.subjects[name].labels) for name in subjects])
    size = len(names) * len(numbers)
    group = value * len(numbers) + window
    counts = _cells(
        inside["counts"],
        (np.cumsum(widths * size) - widths * size)[subject] + group * widths[subject],
        widths[subject],
        int(widths.sum()) * size,
    )
    every = tuple(numbers.tolist())
    sums = [
        np.bincount(subject * size + group, weights=inside[name].to_numpy(), minlength=size * len(subjects))
        for name in ("finite", "total", "squares")
    ]
    start = 0
    for k, name in enumerate(subjects):
        part = counts[start : start + widths[k] * size].reshape(len(names), len(numbers), -1)
        own = np.stack([column[k * size : (k + 1) * size] for column in sums], axis=1).reshape(len(names), -1, 3)
        start += widths[k] * size
        for place, cohort_value in enumerate(names):
            there = part[place].sum(axis=1) > 0
            if there.all():
                result[name][cohort_value] = WindowCounts(every, part[place], own[place])
            elif there.any():
                some = tuple(numbers[there].tolist())
                result[name][cohort_value] = WindowCounts(some, part[place][there], own[place][there])
    return result


def _places(texts: pl.Series, names: Sequence[str | None]) -> npt.NDArray[np.int64]:
    """(n,) place of each text among the names."""
    import polars as pl

    kind = pl.Enum([name for name in names if name is not None])
    first = int(None in names)  # null sorts first
    return texts.cast(kind).to_physical().cast(pl.Int64).fill_null(-first).to_numpy() + first


def _cells(lists: pl.Series, place: npt.NDArray[np.int64], width: npt.NDArray[np.int64], total: int) -> Counts:
    """Sum of lists laid down from their place on."""
    flat = lists.explode(empty_as_null=False).to_numpy()
    starts = np.cumsum(width) - width
    cells = np.repeat(place - starts, width) + np.arange(len(flat))
    summed: Counts = np.bincount(cells, weights=flat, minlength=total).astype(np.float64, copy=False)
    return summed


def series_of(
    days: Days,
    cohort: Cohort | None,
    subject: str,
    value: str | None,
    spans: tuple[tuple[datetime, datetime], ...],
    found: WindowCounts,
    usual: WindowCounts | None,
) -> Series:
    """A column of one cohort value from its sums in the windows and in those of its reference."""
    binning, (start, end) = days.plan.subjects[subject], days.plan.span_of(subject).instants
    if usual is None:
        usual = WindowCounts((), np.zeros((0, found.counts.shape[1])), np.zeros((0, 3)))
    number = isinstance(binning, NumberBins)
    return Series(
        column=subject,
        cohort=cohort.name if cohort else None,
        cohort_value=value,
        binning=binning,
        reference_start=start,
        reference_end=end,
        reference=usual.counts,
        numbers=found.numbers,
        spans=spans,
        counts=found.counts,
        moments=_moments(found) if number else None,
        reference_moments=_moments(usual) if number else None,
        is_answer=subject in days.plan.answers,
    )


def _moments(of: WindowCounts) -> Moments:
    return Moments(of.counts.sum(axis=1), of.counts[:, -1], *of.sums.T)
