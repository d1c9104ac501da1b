"""Metrics of the mean gap in bins of rows: bias, calibration error. Not smooth where there is no gap, so each has its own interval."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from loop_core.compare.estimate import MIN_UNITS, NotEstimable, made
from loop_core.compare.groups import Blocks, Grouping
from loop_core.compare.metrics.kind import Found
from loop_core.compare.metrics.pairs import Pairs, Terms
from loop_core.compare.metrics.sums import rarer_classes
from loop_core.vocabulary import Task

Floats = npt.NDArray[np.float64]
Bins = npt.NDArray[np.intp]
#: (labels, scores) → ((n,) number of the row's bin, (n,) its gap).
Gaps = Callable[[Floats, Floats], tuple[Bins, Floats]]


@dataclass(frozen=True)
class Binned:
    """Sums of gaps of both models in their bins, in one group."""

    means: Floats
    """(2, bins) sum of gaps ÷ rows of the group, of the champion and of the challenger."""
    shares: Floats
    """(2, bins) share of the rows in each bin."""
    covariance: Floats
    """(2·bins, 2·bins) of the means: of the champion's bins, then of the challenger's."""


#: One group → (champion, challenger, difference, se, ci_low, ci_high).
Judge = Callable[[Binned], tuple[float, float, float, float, float, float]]


@dataclass(frozen=True)
class BinnedMetric:
    """A function of the gaps in bins.

    Sums of gaps are, by the central limit theorem, normal with the covariance that rows (or entities) show: what a paired
    bootstrap would do to them, without a weight for each row and draw.
    """

    name: str
    words: str
    tasks: tuple[Task, ...]
    n_bins: int
    gaps: Gaps
    judge: Judge
    least: int
    """Units that an interval needs."""
    rarer_class: int = 0
    """Rows that the rarer class must have; 0: there are no classes."""
    method: str = ""
    """How the interval is made, in words."""
    more_is_better = False

    def estimates(self, pairs: Pairs, grouping: Grouping, terms: Terms) -> list[Found]:
        """One entry a group. See `MetricKind`."""
        first, second = (self.gaps(pairs.labels, scores) for scores in (pairs.champion, pairs.challenger))
        blocks = grouping.blocks(pairs.units)
        means = np.stack([self._shares(grouping, *one) for one in (first, second)], axis=1)  # (g, 2, bins)
        shares = np.stack([self._shares(grouping, bins, None) for bins, _ in (first, second)], axis=1)
        covariance = self._covariance(grouping, blocks, means, first, second)
        rarer = rarer_classes(pairs.labels, grouping) if self.rarer_class else np.full(grouping.count, np.inf)
        least = max(self.least, MIN_UNITS)
        found: list[Found] = []
        for k, n in enumerate(grouping.sizes.astype(int)):
            numbers = self.judge(Binned(means[k], shares[k], covariance[k]))
            units = f"{int(blocks.counts[k]):,} {blocks.name}"
            if rarer[k] < self.rarer_class:
                few = f"{int(rarer[k])} rows of the rarer class; an interval needs {self.rarer_class}"
                found.append(NotEstimable(int(n), few, *numbers[:2]))
            elif blocks.counts[k] < least:
                found.append(NotEstimable(int(n), f"{units}; an interval needs {least:,}", *numbers[:2]))
            else:
                found.append(made(int(n), numbers, f"{self.method}, {units}"))
        return found

    def _shares(self, grouping: Grouping, bins: Bins, gaps: Floats | None) -> Floats:
        """(g, bins) sum of gaps ÷ rows of the group; None: rows ÷ rows."""
        places = grouping.codes * self.n_bins + bins
        sums = np.bincount(places, weights=gaps, minlength=grouping.count * self.n_bins)
        return np.asarray(sums.reshape(grouping.count, self.n_bins) / grouping.sizes[:, None])

    def _covariance(
        self,
        grouping: Grouping,
        blocks: Blocks,
        means: Floats,
        first: tuple[Bins, Floats],
        second: tuple[Bins, Floats],
    ) -> Floats:
        """(g, 2·bins, 2·bins) of the means, from sums within units."""
        wide, groups = 2 * self.n_bins, grouping.count
        if blocks.codes is None:
            products = _of_rows(grouping, self.n_bins, first, second)
        else:
            products = _of_units(grouping.count, blocks.codes, blocks.group, self.n_bins, first, second)
        square = products.reshape(groups, wide, wide)
        square = np.triu(square) + np.triu(square, 1).transpose(0, 2, 1)
        # A unit adds to a mean what its gaps are beyond that mean times its rows, however many these are.
        each = (
            np.ones(len(grouping.codes))
            if blocks.codes is None
            else blocks.sums(np.ones(len(blocks.codes)))[blocks.codes]
        )
        weighed = np.stack([self._shares(grouping, bins, gaps * each) for bins, gaps in (first, second)], axis=1)
        flat, heavy = means.reshape(groups, wide), weighed.reshape(groups, wide)
        counts, sizes = blocks.counts[:, None, None], grouping.sizes[:, None, None]
        cross = heavy[:, :, None] * flat[:, None, :]
        own = flat[:, :, None] * flat[:, None, :] * grouping.sums(each)[:, None, None] / sizes
        centred = square / sizes**2 + (own - cross - cross.transpose(0, 2, 1)) / sizes
        return np.asarray(centred * counts / np.maximum(counts - 1, 1))


def _of_rows(grouping: Grouping, n_bins: int, first: tuple[Bins, Floats], second: tuple[Bins, Floats]) -> Floats:
    """(g·wide·wide) sums over rows of products of gaps, upper triangles: a row has one entry of each model."""
    wide = 2 * n_bins
    base, size = grouping.codes * (wide * wide), grouping.count * wide * wide
    total = np.zeros(size)
    for (bins_a, gaps_a), shift_a, (bins_b, gaps_b), shift_b in (
        (first, 0, first, 0),
        (first, 0, second, n_bins),
        (second, n_bins, second, n_bins),
    ):
        place = base + (bins_a + shift_a) * wide + bins_b + shift_b
        total += np.bincount(place, gaps_a * gaps_b, minlength=size)
    return total


def _of_units(
    groups: int, codes: Bins, group: Bins, n_bins: int, first: tuple[Bins, Floats], second: tuple[Bins, Floats]
) -> Floats:
    """(g·wide·wide) the same over units, of the sums of gaps that each has in each bin."""
    wide, size = 2 * n_bins, groups * (2 * n_bins) ** 2
    keys = np.concatenate([codes * wide + first[0], codes * wide + second[0] + n_bins])
    kept, inverse = np.unique(keys, return_inverse=True)
    values = np.bincount(inverse, np.concatenate([first[1], second[1]]), minlength=len(kept))
    units, columns = kept // wide, kept % wide
    total = np.zeros(size)
    for shift in range(int(np.bincount(units).max(initial=0))):
        # Every entry of a unit with the one `shift` places behind it: in a list sorted by unit, those are its pairs.
        a, b = slice(0, len(units) - shift), slice(shift, None)
        same = units[a] == units[b]
        place = (group[units[a][same]] * wide + columns[a][same]) * wide + columns[b][same]
        total += np.bincount(place, values[a][same] * values[b][same], minlength=size)
    return total
