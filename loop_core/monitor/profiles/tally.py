"""Rows → how many fell into each bin, per day and cohort value. The one place where rows are counted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from loop_core.charter import Cohort
from loop_core.monitor.profiles.binning import Binning, CategoryBins, NumberBins
from loop_core.monitor.profiles.plan import REST, SCORE, Plan

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa

Ints = npt.NDArray[np.int64]
#: Squares of numbers beyond this overflow: they have a bin, and no part in sums.
LARGEST = 1e140
_THREADS = 2


@dataclass(frozen=True)
class Groups:
    """The groups of one cohort in one batch."""

    day: Ints
    """(G,) days since 1970."""
    value: Ints
    """(G,) place of the cohort value."""
    place: Ints
    """(n,) the group of each row."""


class Tally:
    """Signed counts of the columns of a plan: add rows, take rows away, read the sum."""

    def __init__(self, plan: Plan, cohorts: Sequence[Cohort], subjects: Sequence[str], *, everybody: bool = True):
        self._plan, self._cohorts, self._everybody = plan, tuple(cohorts), everybody
        self._bins: dict[str, Binning] = {name: plan.subjects[name] for name in subjects}
        self._numbers = [name for name, b in self._bins.items() if isinstance(b, NumberBins)]
        self._sums: dict[str | None, _Sum] = {}

    def add(self, batch: pa.RecordBatch, sign: int = 1) -> None:
        """Count the rows of a batch (`plan.row_columns`) `sign` times, +1 or −1."""
        if not batch.num_rows:
            return
        day = batch.column("d_").to_numpy(zero_copy_only=False).astype(np.int64)
        groups: dict[str | None, Groups] = {
            cohort.name: _groups(day, self._value(batch.column(f"c_{k}"), cohort.name))
            for k, cohort in enumerate(self._cohorts)
        }
        if not groups or self._everybody:
            groups[None] = _groups(day, np.zeros(len(day), dtype=np.int64))
        own = batch.column("own_").to_numpy(zero_copy_only=False) if SCORE in self._bins else None
        with ThreadPoolExecutor(_THREADS) as pool:
            columns = list(pool.map(lambda name: self._column(name, batch.column(name), day, own, groups), self._bins))
        for cohort, group in groups.items():
            found = [column[cohort] for column in columns]
            counts = np.hstack([counts for counts, _ in found])
            moments = np.hstack([moments for _, moments in found])
            new = _Sum(group.day, group.value, counts * sign, moments * sign)
            self._sums[cohort] = self._sums[cohort].plus(new) if cohort in self._sums else new

    def _value(self, texts: pa.Array[Any], cohort: str) -> Ints:
        """Places of cohort values, one past the last for the rest."""
        import pyarrow as pa
        import pyarrow.compute as pc

        known = self._plan.cohorts[cohort]
        found = pc.index_in(texts, value_set=pa.array(known, type=pa.string())).fill_null(len(known))
        places: Ints = found.to_numpy(zero_copy_only=False).astype(np.int64)
        return places

    def _column(
        self,
        name: str,
        cells: pa.Array[Any],
        day: Ints,
        own: npt.NDArray[np.bool_] | None,
        groups: Mapping[Any, Groups],
    ) -> dict[str | None, tuple[Ints, npt.NDArray[np.float64]]]:
        """Cohort → (G, K) counts and (G, 3) moments of one column."""
        bins = self._bins[name]
        values: npt.NDArray[np.float64] | None = None
        if isinstance(bins, NumberBins):
            values = cells.to_numpy(zero_copy_only=False).astype(np.float64, copy=False)
            codes = bins.codes(values)
        else:
            assert isinstance(bins, CategoryBins)
            first, last = self._plan.span.numbers
            codes = bins.codes(cells, (day >= first) & (day < last) if bins.once else None)
        width = len(bins.labels)
        if name == SCORE and own is not None:
            # Rows that another version answered, or nobody, are no part of this champion's scores.
            codes[~own] = width
            values = np.where(own, values, np.nan)  # type: ignore[arg-type]
        return {cohort: _counted(group, codes, width, values) for cohort, group in groups.items()}

    def frames(self) -> Iterator[pl.DataFrame]:
        """Profile rows that are not zero: day, subject, cohort, cohort_value, n, nulls, counts, finite, total, squares."""
        for cohort, total in self._sums.items():
            yield from self._frames(cohort, total)

    def _frames(self, cohort: str | None, total: _Sum) -> Iterator[pl.DataFrame]:
        import polars as pl

        values = None if cohort is None else [*self._plan.cohorts[cohort], REST]
        start = moment = 0
        for name, bins in self._bins.items():
            width = len(bins.labels)
            counts = total.counts[:, start : start + width]
            start += width
            moments = np.zeros((len(counts), 3))
            if name in self._numbers:
                moments = total.moments[:, moment : moment + 3]
                moment += 3
            rows = np.flatnonzero((counts != 0).any(axis=1) | (moments != 0).any(axis=1))
            yield pl.DataFrame(
                {
                    "day": pl.Series(total.day[rows].astype(np.int32)).cast(pl.Date),
                    "subject": pl.Series([name]).new_from_index(0, len(rows)),
                    "cohort": pl.Series([cohort], dtype=pl.String).new_from_index(0, len(rows)),
                    "cohort_value": pl.Series(
                        [None] * len(rows) if values is None else [values[v] for v in total.value[rows]],
                        dtype=pl.String,
                    ),
                    "n": counts[rows].sum(axis=1),
                    "nulls": counts[rows][:, -1],
                    "counts": pl.Series(np.ascontiguousarray(counts[rows]).astype(np.int32)).cast(pl.List(pl.Int32))
                    if len(rows)
                    else pl.Series([], dtype=pl.List(pl.Int32)),
                    "finite": moments[rows, 0].astype(np.int64),
                    "total": moments[rows, 1],
                    "squares": moments[rows, 2],
                }
            )


@dataclass(frozen=True)
class _Sum:
    """Counts of all columns side by side, one row a group."""

    day: Ints
    value: Ints
    counts: Ints
    moments: npt.NDArray[np.float64]

    def plus(self, other: _Sum) -> _Sum:
        day, value = np.append(self.day, other.day), np.append(self.value, other.value)
        order = np.lexsort((value, day))
        day, value = day[order], value[order]
        starts = np.flatnonzero(np.append(True, (np.diff(day) != 0) | (np.diff(value) != 0)))
        counts = np.add.reduceat(np.vstack([self.counts, other.counts])[order], starts, axis=0)
        moments = np.add.reduceat(np.vstack([self.moments, other.moments])[order], starts, axis=0)
        return _Sum(day[starts], value[starts], counts, moments)


def _groups(day: Ints, value: Ints) -> Groups:
    first, values = int(day.min()), int(value.max()) + 1
    wide = (day - first) * values + value
    if (int(day.max()) - first + 1) * values > 4 * len(day) + 1_000_000:  # days far apart: a table would be too large
        there, place = np.unique(wide, return_inverse=True)
    else:
        there = np.flatnonzero(np.bincount(wide))
        table = np.zeros(int(there[-1]) + 1, dtype=np.int64)
        table[there] = np.arange(len(there))
        place = table[wide]
    return Groups(there // values + first, there % values, place)


def _counted(
    group: Groups, codes: npt.NDArray[np.uint8], width: int, values: npt.NDArray[np.float64] | None
) -> tuple[Ints, npt.NDArray[np.float64]]:
    n = len(group.day)
    # One bin more than the column has, for rows that are no part of it.
    counts = np.bincount(group.place * (width + 1) + codes, minlength=n * (width + 1)).reshape(n, width + 1)[:, :width]
    if values is None:
        return counts, np.zeros((n, 0))
    inside = np.abs(values) < LARGEST
    if inside.all():
        place, finite = group.place, np.bincount(group.place, minlength=n)
    else:
        values, place = values[inside], group.place[inside]
        finite = np.bincount(place, minlength=n)
    total = np.bincount(place, weights=values, minlength=n)
    squares = np.bincount(place, weights=values * values, minlength=n)
    return counts, np.column_stack([finite, total, squares])
