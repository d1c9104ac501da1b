"""Counts of all columns side by side, a row for each day and cohort value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from loop_core.monitor.profiles.cube import Floats, Ints

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class Totals:
    """What was counted of one cohort."""

    day: Ints
    """(G,) days since 1970."""
    value: Ints
    """(G,) place of the cohort value."""
    counts: npt.NDArray[np.int32]
    """(G, K) rows in each bin of each column."""
    moments: Floats
    """(G, S, 3) finite, total and squares of each column."""

    @classmethod
    def zero(cls, day: Ints, values: int, bins: int, columns: int) -> Totals:
        """Nothing yet, on each of the days for each of so many values."""
        groups = len(day) * values
        return cls(
            np.repeat(day, values),
            np.tile(np.arange(values), len(day)),
            np.zeros((groups, bins), dtype=np.int32),
            np.zeros((groups, columns, 3)),
        )

    def plus(self, other: Totals, sign: int) -> Totals:
        """The sum, or with the sign −1 the difference."""
        if not len(self.day) and sign == 1:
            return other
        day, value = np.append(self.day, other.day), np.append(self.value, other.value)
        order = np.lexsort((value, day))
        day, value = day[order], value[order]
        starts = np.flatnonzero(np.append(True, (np.diff(day) != 0) | (np.diff(value) != 0)))
        counts = np.concatenate([self.counts, other.counts * np.int32(sign)])[order]
        moments = np.concatenate([self.moments, other.moments * sign])[order]
        return Totals(
            day[starts],
            value[starts],
            np.add.reduceat(counts, starts, axis=0, dtype=np.int32),
            np.add.reduceat(moments, starts, axis=0),
        )

    def frame(
        self, names: Sequence[str], widths: Ints, cohort: str | None, values: Sequence[str | None]
    ) -> pl.DataFrame:
        """Profile rows that are not zero: day, subject, cohort, cohort_value, n, nulls, counts, finite, total, squares.

        Args:
            names: (S,) the columns.
            widths: (S,) how many bins each has.
            cohort: its name; None: everybody.
            values: names of the cohort values.
        """
        import polars as pl

        starts = np.cumsum(widths) - widths
        there = np.logical_or.reduceat(self.counts != 0, starts, axis=1) | (self.moments != 0).any(axis=2)
        subject, group = np.nonzero(there.T)
        rows = np.add.reduceat(self.counts, starts, axis=1, dtype=np.int64)[group, subject]
        finite, total, squares = self.moments[group, subject].T
        return pl.DataFrame(
            {
                "day": pl.Series(self.day[group].astype(np.int32)).cast(pl.Date),
                "subject": pl.Series(names, dtype=pl.String).gather(subject),
                "cohort": pl.Series([cohort], dtype=pl.String).new_from_index(0, len(group)),
                "cohort_value": pl.Series(values, dtype=pl.String).gather(self.value[group]),
                "n": rows,
                "nulls": self.counts[group, (starts + widths - 1)[subject]].astype(np.int64),
                "counts": _lists(self.counts, group, starts[subject], widths[subject]),
                "finite": finite.astype(np.int64),
                "total": total,
                "squares": squares,
            }
        )


def _lists(counts: npt.NDArray[np.int32], row: Ints, start: Ints, width: Ints) -> Any:
    """(n,) lists: of each row the cells from its start on."""
    import polars as pl
    import pyarrow as pa

    ends = np.cumsum(width)
    cells = np.repeat(row * counts.shape[1] + start - (ends - width), width) + np.arange(ends[-1] if len(ends) else 0)
    offsets = np.append(0, ends).astype(np.int32)
    return pl.Series(pa.ListArray.from_arrays(offsets, counts.ravel()[cells]))
