"""One column's counts, window by window, beside those of its reference: what every binned drift score is made of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from loop_core.labels import known_at
from loop_core.monitor.profiles.binning import Binning, Counts, NumberBins
from loop_core.monitor.profiles.counts import Selection, Table, count, count_moments
from loop_core.monitor.profiles.reference import Reference, feature_reference, score_reference, score_selection
from loop_core.windows import Windows
from loop_core.workspace import Loop


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
    """Features and the champion's score in the newest windows, beside their reference.

    Args:
        loop: the loop.
        as_of: UTC instant; nothing later is seen.
        weeks: how many windows (of the charter's `window_days`); None: all there are.
        cohort: split by this declared cohort, each value beside its own reference.
        columns: only these features (and `score`); None: all.

    Returns:
        By column in the charter's order, the score last; within a column by cohort value. Empty without a reference.

    Raises:
        UnknownNameError: no such cohort.
    """
    reading, windows = known_at(loop, as_of), Windows.at(as_of, loop.charter.monitor.window_days)
    group = loop.charter.cohort(cohort) if cohort else None
    current = Selection(reading, windows, windows.start(weeks), windows.end, group)
    found: list[Series] = []
    if (reference := feature_reference(loop, reading, group)) is not None:
        found += _series(current, reference, columns)
    champion, scored = loop.champion(as_of), score_reference(loop, reading, group)
    if champion is not None and scored is not None:
        found += _series(score_selection(current, champion), scored, columns)
    return found


def _series(current: Selection, reference: Reference, columns: Sequence[str] | None) -> Iterator[Series]:
    bins = {name: b for name, b in reference.bins.items() if columns is None or name in columns}
    tables = count(current, bins)
    sums = count_moments(current, [name for name, b in bins.items() if isinstance(b, NumberBins)])
    for name in bins:
        for value in sorted({value for _, value in tables[name]}, key=lambda value: value or ""):
            yield _one(current, reference, name, value, tables[name], sums.get(name))


def _one(
    current: Selection, reference: Reference, name: str, value: str | None, table: Table, sums: Table | None
) -> Series:
    numbers = tuple(sorted(number for number, found in table if found == value))
    counts = np.stack([table[number, value] for number in numbers])
    usual = reference.of(name, value)
    return Series(
        column=name,
        cohort=current.cohort.name if current.cohort else None,
        cohort_value=value,
        binning=reference.bins[name],
        reference_start=reference.start,
        reference_end=reference.end,
        reference=usual,
        numbers=numbers,
        spans=tuple(current.windows.span(number) for number in numbers),
        counts=counts,
        moments=None if sums is None else _moments(counts, np.stack([sums[number, value] for number in numbers])),
        reference_moments=None if sums is None else _moments(usual, reference.sums[name].get(value, np.zeros((0, 3)))),
    )


def _moments(counts: Counts, sums: Counts) -> Moments:
    return Moments(counts.sum(axis=1), counts[:, -1], *sums.T)
