"""What chance alone does to a measure: p-values and thresholds learned for the window's row count, not from folklore."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
import numpy.typing as npt

from loop_core.monitor.drift.base import DriftMeasure
from loop_core.monitor.drift.quiet import Spread, Usual, within_reach
from loop_core.monitor.drift.tail import Tail, Tails
from loop_core.monitor.profiles import Binning, CategoryBins, Counts

#: Draws are made for row counts that are a power of this, and brought to the window's own.
STEP = 2**0.5
#: More than the row count of any window.
_MOST = 1 << 40
Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Chance:
    """One column of one cohort value in a quiet time, as one measure sees it.

    A quiet window is drawn from the reference period: its shares are those of the whole period, moved as much as its
    windows differed beyond sampling noise, and as many rows are drawn as the window has. So a column that always swings
    from week to week has to swing more than it used to, and one that does not has to move only beyond chance.

    Source: parametric bootstrap; the swing is the method of moments of a random-effects model.
    """

    measure: DriftMeasure
    bins: Binning
    reference: Counts
    """(R, K) rows per bin in each window of the reference, with at least one row."""

    def tail(self, rows: int) -> Tail:
        """Values of quiet windows of so many rows, on a scale that adds up like chi-squared."""
        return _tail(self.measure, self.bins, self._counts, self.reference.shape[1], rows)  # type: ignore[arg-type]  # both are frozen

    @property
    def spread(self) -> Spread:
        """How far quiet windows are from the reference, see `Usual.spread`."""
        return self._usual.spread

    @property
    def is_slow(self) -> bool:
        """Whether it moves on steadily within the reference, see `Usual.is_slow`."""
        return self._usual.is_slow

    @cached_property
    def _counts(self) -> bytes:
        return self.reference.tobytes()

    @cached_property
    def _usual(self) -> Usual:
        return _usual(self.bins, self._counts, self.reference.shape[1])  # type: ignore[arg-type]  # frozen


@dataclass(frozen=True)
class Chances:
    """What chance does to a table of windows: S series, each with its own reference, by W windows."""

    of: Sequence[Chance]
    """S of them, all of one measure."""
    rows: Rows
    """(S, W) row counts, at least 1 where something is asked."""

    def p_values(self, values: Counts, growth: Counts | None = None) -> Counts:
        """(S, W) chances that quiet windows reach the values.

        Args:
            values: (S, W) what the measure says of windows; NaN gives NaN.
            growth: (S, W) by how much the natural swing may have grown since the reference, at least 1; None: not at all.
        """
        told = np.isfinite(values)
        tails, scale = self._tails(told, growth)
        return _spread_out(told, tails.p_values(values[told] ** (1 / self._power) / scale))

    def thresholds(self, levels: Counts) -> Counts:
        """(S, W) the values that quiet windows exceed with the chances `levels`; NaN gives NaN."""
        told = np.isfinite(levels)
        tails, scale = self._tails(told)
        return _spread_out(told, (tails.quantiles(levels[told]) * scale) ** self._power)

    def _tails(self, told: npt.NDArray[np.bool_], growth: Counts | None = None) -> tuple[Tails, Counts]:
        """Of the n cells that are told: their distributions by chance, and (n,) the factors from there to each window's
        own size."""
        series, rows = np.nonzero(told)[0], self.rows[told]
        steps, spread = _steps(rows), self._spread(series)
        now = spread.at(rows) if growth is None else spread.at(rows) + spread.swing * (growth[told] - 1)
        names, whose = np.unique(series * _MOST + steps, return_inverse=True)
        tails = [self.of[name // _MOST].tail(name % _MOST) for name in names.tolist()]
        return Tails(tails, whose), now / spread.at(steps)

    def _spread(self, series: Rows) -> Spread:
        """(n,) of each series."""
        table = np.zeros((len(self.of), 4))
        for k in np.unique(series).tolist():
            table[k] = self.of[k].spread
        return Spread(*table[series].T)

    @property
    def _power(self) -> float:
        return self.of[0].measure.power


def _spread_out(told: npt.NDArray[np.bool_], values: Counts) -> Counts:
    found = np.full(told.shape, np.nan)
    found[told] = values
    return found


def _steps(rows: Rows) -> Rows:
    """(n,) the powers of `STEP` at or below row counts: below, so that equal numbers of rows never look rarer."""
    powers = np.floor(np.log(np.maximum(rows, 1)) / np.log(STEP) + 1e-9)
    found: Rows = np.minimum(np.maximum(rows, 1), np.rint(STEP**powers)).astype(np.int64)
    return found


@lru_cache(maxsize=4096)
def _usual(bins: Binning, counts: bytes, width: int) -> Usual:
    novelty = bins.novelty if isinstance(bins, CategoryBins) else 0.0
    return Usual.learn(np.frombuffer(counts, dtype=np.float64).reshape(-1, width), novelty)


@lru_cache(maxsize=8192)
def _tail(measure: DriftMeasure, bins: Binning, counts: bytes, width: int, n_current: int) -> Tail:
    usual = _usual(bins, counts, width)  # type: ignore[arg-type]  # frozen
    whole, now = usual.draw(n_current)
    if measure.is_along_axis:
        now = within_reach(now, usual.total)
    values = measure.binned(whole, now, bins) ** (1 / measure.power)
    return Tail.of(usual.with_hidden_swing(values, n_current))
