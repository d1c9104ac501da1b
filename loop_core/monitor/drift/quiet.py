"""Quiet windows: what a window of so many rows looks like while nothing happens, drawn from the reference period."""

from __future__ import annotations

import math
import zlib
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from loop_core.monitor.profiles import Counts

DRAWS = 1000
#: Reference and windows are drawn as normal where every bin is expected to hold so many rows, because that is faster.
MANY = 100


@dataclass(frozen=True)
class Usual:
    """What the reference period says about windows of one column."""

    windows: Counts
    """(R, K) rows per bin of each window of the reference that has rows."""
    novelty: float
    """Share of rows in values never seen before that is to be expected (Good & Turing); for `(unseen)`, the last bin
    but one."""
    swing: float
    """How much of the difference between its windows is real, 0 (all sampling noise) to 1."""

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
        bins, inner = self._moved
        distances: Counts = bins * (1 / rows + 1 / self.total.sum()) + inner
        return distances

    @cached_property
    def _moved(self) -> tuple[float, float]:
        """Bins that hold rows, and the part of the distance between the reference's windows that is no sampling noise."""
        total = self.total
        shares = np.maximum(total, 0.5) / total.sum()
        own = self.windows / self.windows.sum(axis=1, keepdims=True)
        moved = ((own - total / total.sum()) ** 2 / shares).sum(axis=1)
        return float(np.count_nonzero(total) or 1), float(self.swing**2 * moved.mean())

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
            expected[-2] = max(0.5, self.novelty * total.sum())
        shares = expected / expected.sum()
        return whole, _multinomial(n_current, self._swung(shares, rng), rng)

    def _swung(self, shares: Counts, rng: np.random.Generator) -> Counts:
        """(K,) or (DRAWS, K) shares of quiet windows."""
        if self.swing == 0:
            return shares
        rows, count = self.windows.sum(axis=1), len(self.windows)
        own = self.windows / rows[:, None]
        # A new window varies around the pooled mean (W + 1) / (W − 1) times as much as those that made the mean do.
        width = np.sqrt(rows / rows.sum() * (count + 1) / (count - 1))
        pooled = self.total / self.total.sum()
        mixed = np.clip(shares + self.swing * ((rng.normal(size=(DRAWS, count)) * width) @ (own - pooled)), 0, None)
        normed: Counts = mixed / mixed.sum(axis=1, keepdims=True)
        return normed


def natural_swing(reference: Counts) -> float:
    """How much of the difference between the reference's windows is real, 0 (all sampling noise) to 1.

    0 unless they differ beyond chance (chi-squared test of homogeneity at 1 %).

    Args:
        reference: (windows, K) counts per bin.

    Source: method of moments of a random-effects model, as in DerSimonian & Laird 1986.
    """
    from scipy.special import chdtri

    rows = reference.sum(axis=1, keepdims=True)
    expected = rows * reference.sum(axis=0, keepdims=True) / max(reference.sum(), 1.0)
    inside = expected > 0
    surplus = float((((reference - expected) ** 2)[inside] / expected[inside]).sum())
    freedom = (np.count_nonzero(rows) - 1) * (np.count_nonzero(reference.sum(axis=0)) - 1)
    if freedom < 1 or surplus <= chdtri(freedom, 0.01):
        return 0.0
    return math.sqrt(1 - freedom / surplus)


def _multinomial(n: int, shares: Counts, rng: np.random.Generator) -> Counts:
    """(DRAWS, K) counts that sum to n (on average, where drawn as normal)."""
    if shares.ndim == 1 and n * shares[shares > 0].min() >= MANY:
        noise = rng.normal(size=(DRAWS, len(shares))) * np.sqrt(shares)
        found: Counts = n * shares + math.sqrt(n) * (noise - shares * noise.sum(axis=1, keepdims=True))
        return np.clip(found, 0.0, None)
    return rng.multinomial(n, shares, size=None if shares.ndim > 1 else DRAWS).astype(np.float64)
