"""The independent units of a statistic: rows, or entities where entities repeat."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import polars as pl

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Units:
    """Which rows belong together. Rows of one entity say nearly the same thing, so they count as one witness."""

    codes: npt.NDArray[np.int64] | None
    """(n,) number of each row's unit; None: every row is a unit of its own."""
    count: int
    """Units."""

    @classmethod
    def of(cls, entities: pl.Series | Sequence[object] | None, n: int) -> Units:
        """Units of n rows. A row without entity is a unit of its own.

        Args:
            entities: (n,) ids, None where unknown; or None.
            n: rows.
        """
        if entities is None:
            return cls(None, n)
        import polars as pl

        column = pl.Series("entity", entities)
        if column.null_count() == n or column.drop_nulls().n_unique() == n - column.null_count():
            return cls(None, n)
        # rank on the ids themselves, so that the order of rows changes nothing
        codes = column.rank("dense").cast(pl.Int64).to_numpy(writable=True).astype(np.float64)
        alone = np.isnan(codes)
        codes[alone] = np.nanmax(codes) + 1 + np.arange(alone.sum())
        dense = codes.astype(np.int64) - 1
        return cls(dense, int(dense.max()) + 1)

    def take(self, rows: npt.NDArray[np.int64]) -> Units:
        """The units of the rows at these places."""
        if self.codes is None:
            return Units(None, len(rows))
        kept, dense = np.unique(self.codes[rows], return_inverse=True)
        return Units(None, len(kept)) if len(kept) == len(dense) else Units(dense.astype(np.int64), len(kept))

    def sums(self, values: Floats) -> Floats:
        """(count,) sum of a row value per unit."""
        if self.codes is None:
            return values
        totals: Floats = np.bincount(self.codes, weights=values, minlength=self.count).astype(np.float64)
        return totals

    @property
    def name(self) -> str:
        """`rows`, or `entities` where they repeat."""
        return "rows" if self.codes is None else "entities"


def clustered_se(influence: Floats, units: Units) -> float:
    """Standard error of a mean from (n,) centred row contributions, added up within units first.

    With the factor G/(G−1) for G units. Source: Liang & Zeger 1986.
    """
    totals = units.sums(influence)
    return float(np.sqrt((totals**2).sum() * units.count / (units.count - 1)) / len(influence))
