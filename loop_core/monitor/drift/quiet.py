"""Quiet windows: what a window of so many rows looks like while nothing happens, drawn from the reference period."""

from __future__ import annotations

import math
import zlib
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from loop_core.monitor.drift.swing import DRAWS, Swing, natural_swing
from loop_core.monitor.profiles import Counts

#: Reference and windows are drawn as normal where every bin is expected to hold so many rows, because that is faster.
MANY = 100


@dataclass(frozen=True)
class Usual:
    """What the reference period says about windows of one column."""

    windows: Counts
    """(R, K) rows per bin of each window of the reference that has rows."""
    novelty: float
    """Share of rows in values never seen before that is to be expected beyond the reference's own bin `(unseen)`, the
    last bin but one."""
    swing: Swing
    """How shares move from window to window by more than sampling noise."""

    @classmethod
    def learn(cls, reference: Counts, novelty: float = 0.0) -> Usual:
        """From the (R, K) counts of the reference's windows."""
        windows = reference[reference.sum(axis=1) > 0]
        return cls(windows, novelty, natural_swing(windows))

    @cached_property
    def total(self) -> Counts:
        """(K,) rows per bin of the whole reference."""
        counts: Counts = self.windows.sum(axis=0)
        return counts

    def spreads(self, rows: npt.NDArray[np.int64]) -> Counts:
        """(W,) chi-squared distances between the reference and quiet windows of so many rows that are to be expected:
        they say how values at one row count compare with those at another."""
        bins = float(np.count_nonzero(self.total) or 1)
        distances: Counts = bins * (1 / rows + 1 / self.total.sum()) + self.swing.size
        return distances

    def draw(self, n_current: int) -> tuple[Counts, Counts]:
        """(DRAWS, K) references and (DRAWS, K) quiet windows of `n_current` rows.

        A bin that was empty in the whole reference is taken to have been half a row: a window may hold one by chance.
        The seed is the reference itself, so that a result can be repeated, and features err independently.
        """
        total = self.total
        rng = np.random.default_rng(zlib.crc32(self.windows.tobytes()) + n_current)
        whole = _multinomial(int(total.sum()), total / total.sum(), rng)
        expected = np.maximum(total, 0.5)
        if self.novelty:
            expected[-2] = max(expected[-2], self.novelty * total.sum())
        shares = expected / expected.sum()
        return whole, _multinomial(n_current, self.swing.move(shares, rng), rng)


def _multinomial(n: int, shares: Counts, rng: np.random.Generator) -> Counts:
    """(DRAWS, K) counts that sum to n (on average, where drawn as normal)."""
    if shares.ndim == 1 and n * shares[shares > 0].min() >= MANY:
        noise = rng.normal(size=(DRAWS, len(shares))) * np.sqrt(shares)
        found: Counts = n * shares + math.sqrt(n) * (noise - shares * noise.sum(axis=1, keepdims=True))
        return np.clip(found, 0.0, None)
    return rng.multinomial(n, shares, size=None if shares.ndim > 1 else DRAWS).astype(np.float64)
