"""Rows → how many fell into each bin, per day and cohort value. The one place where rows are counted."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from loop_core.charter import Cohort
from loop_core.monitor.profiles.binning import Binning, CategoryBins, Codes, NumberBins
from loop_core.monitor.profiles.cube import Cube, Floats, Ints, cubes
from loop_core.monitor.profiles.plan import RATING, REST, UNLINKED, Plan
from loop_core.monitor.profiles.totals import Totals

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa

Bools = npt.NDArray[np.bool_]
#: Squares of numbers beyond this overflow: they have a bin, and no part in sums.
LARGEST = 1e140
#: A batch whose days times cohort values are more than this is counted in halves, for memory's sake.
MOST_GROUPS = 200_000
_THREADS = 2


class Tally:
    """Signed counts of the columns of a plan: add rows, take rows away, read the sum."""

    def __init__(self, plan: Plan, cohorts: Sequence[Cohort], subjects: Sequence[str], *, everybody: bool = True):
        unlinked = (UNLINKED,) if RATING in subjects else ()
        self._plan = plan
        self._bins: dict[str, Binning] = {name: plan.subjects[name] for name in subjects}
        self._widths = np.array([len(bins.labels) for bins in self._bins.values()], dtype=np.int64)
        self._values: dict[str | None, Sequence[str | None]] = {
            c.name: (*plan.cohorts[c.name], *unlinked, REST) for c in cohorts
        }
        if everybody or not cohorts:
            self._values[None] = (None,)
        self._sums = self._zero(np.zeros(0, dtype=np.int64))

    def add(self, batch: pa.RecordBatch, sign: int = 1, subjects: Collection[str] | None = None) -> None:
        """Count the rows of a batch (`Source.rows`) `sign` times, +1 or −1; None: all columns of them."""
        chosen = [k for k, name in enumerate(self._bins) if subjects is None or name in subjects]
        if not batch.num_rows or not chosen:
            return
        coded = batch.column("d_").dictionary_encode()
        days, day = coded.dictionary.to_numpy().astype(np.int64), coded.indices.to_numpy().astype(np.int64)
        if len(days) * max(map(len, self._values.values())) > MOST_GROUPS and batch.num_rows > 1:
            self.add(batch.slice(0, batch.num_rows // 2), sign, subjects)
            self.add(batch.slice(batch.num_rows // 2), sign, subjects)
            return
        new, grouped = self._zero(days), cubes(day, len(days), self._places(batch))
        with ThreadPoolExecutor(_THREADS) as pool:
            list(pool.map(partial(self._count, batch, days[day], grouped, new), chosen))
        self._sums = {cohort: total.plus(new[cohort], sign) for cohort, total in self._sums.items()}

    def frames(self) -> Iterator[pl.DataFrame]:
        """Profile rows that are not zero, see `Totals.frame`."""
        for cohort, total in self._sums.items():
            yield total.frame(list(self._bins), self._widths, cohort, self._values[cohort])

    def _zero(self, days: Ints) -> dict[str | None, Totals]:
        bins, columns = int(self._widths.sum()), len(self._bins)
        return {cohort: Totals.zero(days, len(values), bins, columns) for cohort, values in self._values.items()}

    def _places(self, batch: pa.RecordBatch) -> dict[str, tuple[Ints, int]]:
        """Cohort → (n,) place of each row's value, the last for the rest; and how many places there are."""
        import pyarrow as pa
        import pyarrow.compute as pc

        found = {}
        for k, cohort in enumerate(name for name in self._values if name is not None):
            known = pa.array(self._values[cohort][:-1], type=pa.string())
            places = pc.index_in(batch.column(f"c_{k}"), value_set=known).fill_null(len(known))
            found[cohort] = places.to_numpy(zero_copy_only=False).astype(np.int64), len(known) + 1
        return found

    def _count(
        self, batch: pa.RecordBatch, day: Ints, grouped: Sequence[Cube], new: Mapping[str | None, Totals], k: int
    ) -> None:
        """One column into its part of the new totals."""
        name, width, start = list(self._bins)[k], int(self._widths[k]), int(self._widths[:k].sum())
        codes, values = self._coded(name, batch, day)
        weights, inside = ([], None) if values is None else _powers(values)
        for cube in grouped:
            counts, sums = cube.counted(codes, width), cube.summed(weights, inside)
            # Everybody is in every cube, and is taken from the first.
            for cohort in (c for c in new if c in cube.cohorts or (c is None and cube is grouped[0])):
                new[cohort].counts[:, start : start + width] = cube.along(cohort, counts)
                if values is not None:
                    new[cohort].moments[:, k] = cube.along(cohort, sums)

    def _coded(self, name: str, batch: pa.RecordBatch, day: Ints) -> tuple[Codes, Floats | None]:
        """(n,) bins of one column, and its numbers; None: it has none."""
        bins, cells = self._bins[name], batch.column(name)
        if isinstance(bins, CategoryBins):
            first, last = self._plan.span.numbers
            return bins.codes(cells, (day >= first) & (day < last) if bins.once else None), None
        assert isinstance(bins, NumberBins)
        values = cells.to_numpy(zero_copy_only=False).astype(np.float64, copy=False)
        codes = bins.codes(values)
        if name in self._plan.answers:
            # Rows that another version answered, or nobody, are no part of this champion's scores.
            own = batch.column("own_").to_numpy(zero_copy_only=False)
            codes[~own] = len(bins.labels)
            values = np.where(own, values, np.nan)
        return codes, values


def _powers(values: Floats) -> tuple[list[Floats], Bools | None]:
    """The values and their squares, and which are finite; None: all are. The others are 0 in both."""
    inside = np.abs(values) < LARGEST
    if inside.all():
        return [values, values * values], None
    values = np.where(inside, values, 0.0)
    return [values, values * values], inside
