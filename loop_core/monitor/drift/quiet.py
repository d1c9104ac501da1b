"""Quiet windows: what a window of so many rows looks like while nothing happens, drawn from the reference period."""

from __future__ import annotations

import math
import zlib
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from loop_core.monitor.drift.swing import DRAWS, Swing, natural_swing
from loop_core.monitor.profiles import Counts

#: Reference and windows are drawn as normal where every bin is expected to hold so many rows, because that is faster.
MANY = 100
#: Chance that windows without order are taken for slow ones, orders drawn to tell, and the fewest windows it can be told of.
SLOW_LEVEL, ORDERS, MIN_ORDERED = 0.01, 999, 6


class Spread(NamedTuple):
    """The chi-squared distance between a reference and quiet windows that is to be expected: it says how values at one row
    count compare with those at another. Arrays of any one shape, for one reference or many."""

    bins: Counts
    """Bins with rows."""
    reference: Counts
    """Rows of the reference."""
    swing: Counts
    """What its natural swing makes on average."""
    hidden: Counts
    """What a swing makes that so few windows cannot show."""

    def at(self, rows: npt.NDArray[np.int64] | int) -> Counts:
        """Of windows of so many rows, at least 1."""
        return self.bins * (1 / rows + 1 / self.reference) + self.swing + self.hidden


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

    @cached_property
    def spread(self) -> Spread:
        """How far quiet windows are from the reference."""
        bins, rows = np.count_nonzero(self.total) or 1, self.total.sum()
        return Spread(*np.array([bins, rows, self.swing.size, self.swing.hidden]))

    def with_hidden_swing(self, values: Counts, n_current: int) -> Counts:
        """Values of drawn windows, on a scale that adds up like chi-squared, and in proportion what a direction of swing
        adds that the reference is too short to show."""
        hidden, rest = self.swing.hidden, float(self.spread.at(n_current)) - self.swing.hidden
        told = np.isfinite(values)
        if not hidden or not told.any():
            return values
        more = self.swing.disguised(_seeded(self.windows, n_current + 1))
        found: Counts = values + values[told].mean() / rest * more
        return found

    @cached_property
    def is_slow(self) -> bool:
        """Whether the order of its windows matters: a trend, or a season longer than the reference, of which it cannot
        be learned what comes next. Told by permutations, at the level 0.01, from two statistics: how far windows move
        with time, and how close neighbours are along the direction that varies most.

        Source: von Neumann 1941, the ratio of the mean square successive difference to the variance.
        """
        count = len(self.windows)
        if count < MIN_ORDERED:
            return False
        sizes, shares = self.windows.sum(axis=1, keepdims=True), self.total / self.total.sum()
        apart = (self.windows / sizes - shares) * np.sqrt(sizes / np.maximum(shares, 1e-12))
        along = np.linalg.svd(apart, full_matrices=False)[0][:, 0]
        drawn = np.argsort(_seeded(self.windows, 0).random((ORDERS, count)), axis=1)
        orders = np.vstack([np.arange(count), drawn])
        trend = (((orders - (count - 1) / 2) @ apart) ** 2).sum(axis=1)
        closeness = -(np.diff(along[orders], axis=1) ** 2).sum(axis=1)
        return any(
            np.count_nonzero(seen >= seen[0] - 1e-12) <= SLOW_LEVEL / 2 * len(orders) for seen in (trend, closeness)
        )

    def draw(self, n_current: int) -> tuple[Counts, Counts]:
        """(DRAWS, K) references and (DRAWS, K) quiet windows of `n_current` rows.

        A bin that was empty in the whole reference is taken to have been half a row: a window may hold one by chance.
        The seed is the reference itself, so that a result can be repeated, and features err independently.
        """
        total = self.total
        rng = _seeded(self.windows, n_current)
        whole = _multinomial(int(total.sum()), total / total.sum(), rng)
        expected = np.maximum(total, 0.5)
        if self.novelty:
            expected[-2] = max(expected[-2], self.novelty * total.sum())
        shares = expected / expected.sum()
        return whole, _multinomial(n_current, self.swing.move(shares, rng), rng)


def within_reach(counts: Counts, reference: Counts) -> Counts:
    """(…, K) counts of a number's bins, nulls last, with rows beyond the outermost bins that the reference has rows in
    counted in those: where on the axis half a row lies that nobody has seen, no distance along it can say.

    >>> within_reach(np.array([1.0, 2, 0, 3, 4]), np.array([0.0, 5, 5, 0, 0])).tolist()
    [0.0, 3.0, 3.0, 0.0, 4.0]
    """
    occupied = np.flatnonzero(reference[:-1])
    if not len(occupied):
        return counts
    first, last = occupied[0], occupied[-1]
    inside = counts.copy()
    inside[..., first] += counts[..., :first].sum(axis=-1)
    inside[..., last] += counts[..., last + 1 : -1].sum(axis=-1)
    inside[..., :first], inside[..., last + 1 : -1] = 0.0, 0.0
    return inside


def _seeded(windows: Counts, stream: int) -> np.random.Generator:
    return np.random.default_rng(zlib.crc32(windows.tobytes()) + stream)


def _multinomial(n: int, shares: Counts, rng: np.random.Generator) -> Counts:
    """(DRAWS, K) counts that sum to n (on average, where drawn as normal)."""
    if shares.ndim == 1 and n * shares[shares > 0].min() >= MANY:
        noise = rng.normal(size=(DRAWS, len(shares))) * np.sqrt(shares)
        found: Counts = n * shares + math.sqrt(n) * (noise - shares * noise.sum(axis=1, keepdims=True))
        return np.clip(found, 0.0, None)
    return rng.multinomial(n, shares, size=None if shares.ndim > 1 else DRAWS).astype(np.float64)
