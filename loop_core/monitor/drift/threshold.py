"""What chance alone does to a measure: p-values and thresholds learned for the window's row count, not from folklore."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
import numpy.typing as npt

from loop_core.monitor.drift.base import DriftMeasure
from loop_core.monitor.drift.quiet import Usual
from loop_core.monitor.drift.tail import Tail
from loop_core.monitor.profiles import Binning, CategoryBins, Counts

#: Draws are made for row counts that are a power of this, and brought to the window's own.
STEP = 2**0.5
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

    def p_values(self, values: Counts, rows: Rows, growth: Counts | None = None) -> Counts:
        """(W,) chance that a quiet window reaches the value.

        Args:
            values: (W,) what the measure says of windows; NaN gives NaN.
            rows: (W,) their row counts, at least 1.
            growth: (W,) by how much the natural swing may have grown since the reference, at least 1; None: not at all.
        """
        found = np.full(len(values), np.nan)
        for chosen, tail, scale in self._tails(rows, growth):
            told = chosen & np.isfinite(values)
            found[told] = tail.p_values(values[told] ** (1 / self.measure.power) / scale[told])
        return found

    def thresholds(self, levels: Counts, rows: Rows) -> Counts:
        """(W,) the values that quiet windows of so many rows exceed with the chances `levels`."""
        found = np.full(len(levels), np.nan)
        for chosen, tail, scale in self._tails(rows):
            found[chosen] = (tail.quantiles(levels[chosen]) * scale[chosen]) ** self.measure.power
        return found

    def spreads(self, rows: Rows) -> Counts:
        """(W,) chi-squared distances that quiet windows of so many rows have on average, see `Usual.spreads`."""
        return self._usual.spreads(rows)

    @property
    def is_slow(self) -> bool:
        """Whether it moves on steadily within the reference, see `Usual.is_slow`."""
        return self._usual.is_slow

    def _tails(self, rows: Rows, growth: Counts | None = None) -> Iterator[tuple[npt.NDArray[np.bool_], Tail, Counts]]:
        """Which windows → their distribution by chance, and the factor from it to each window's own size."""
        steps, counts = _steps(rows), self.reference.tobytes()
        width, spreads = self.reference.shape[1], self._usual.spreads(rows)
        if growth is not None:
            spreads = spreads + self._usual.swing.size * (growth - 1)
        scale = spreads / self._usual.spreads(steps)
        for step in set(steps.tolist()):
            tail = _tail(self.measure, self.bins, counts, width, step)  # type: ignore[arg-type]  # both are frozen
            yield steps == step, tail, scale

    @cached_property
    def _usual(self) -> Usual:
        return _usual(self.bins, self.reference.tobytes(), self.reference.shape[1])  # type: ignore[arg-type]  # frozen


def _steps(rows: Rows) -> Rows:
    """(W,) the powers of `STEP` at or below row counts: below, so that equal numbers of rows never look rarer."""
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
    values = measure.binned(*usual.draw(n_current), bins) ** (1 / measure.power)
    return Tail.of(usual.with_hidden_swing(values, n_current))
