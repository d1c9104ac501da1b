"""Metrics that are smooth functions of sums over rows: means, ratios, F scores. Intervals by the delta method."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from loop_core.compare.estimate import MIN_UNITS, NotEstimable, Z, made
from loop_core.compare.groups import Blocks, Grouping
from loop_core.compare.interval import Intervals, intervals
from loop_core.compare.metrics.kind import Found
from loop_core.compare.metrics.pairs import Pairs, Rows, Terms
from loop_core.compare.verdict import LEVEL
from loop_core.vocabulary import Task

Floats = npt.NDArray[np.float64]
#: Rows that the rarer class must have for a mean over rows of classes: with fewer, the delta method is no guide.
RARER_CLASS = 20
#: (k, g) means → ((g,) value, (k, g) its slopes).
OfMeans = Callable[[Floats], tuple[Floats, Floats]]


def mean_itself(means: Floats) -> tuple[Floats, Floats]:
    """The metric is the mean of its one row value."""
    return means[0], np.ones_like(means)


@dataclass(frozen=True)
class SumMetric:
    """A metric of sums."""

    name: str
    words: str
    tasks: tuple[Task, ...]
    rows: Rows
    of: OfMeans = mean_itself
    more_is_better: bool = False
    needs: tuple[tuple[slice, int, str], ...] = ()
    """(sums, the least that each must come to in either model, what they count): below, the delta method is no guide."""
    rarer_class: int = 0
    """Rows that the rarer class must have; 0: there are no classes."""
    step: Callable[[Terms], float] | None = None
    """By how much the metric changes at most where all answers do; None: it follows every change of a score."""

    def estimates(self, pairs: Pairs, grouping: Grouping, terms: Terms) -> list[Found]:
        """One entry a group. See `MetricKind`."""
        first, second = pairs.rows(self.name, terms, self.rows)
        blocks, sign = grouping.blocks(pairs.units), 1.0 if self.more_is_better else -1.0
        weights = pairs.shares(grouping)
        counted = [np.stack([grouping.sums(row) for row in rows]) for rows in (first, second)]
        sums = counted if weights is None else [
            np.stack([grouping.sums(weights * row) for row in rows]) for rows in (first, second)
        ]  # fmt: skip
        with np.errstate(divide="ignore", invalid="ignore"):
            (value1, slope1), (value2, slope2) = (self.of(s / grouping.sizes) for s in sums)
            centre = ((slope2 * sums[1] - slope1 * sums[0]) / grouping.sizes).sum(axis=0)
            influence = sign * (_weighed(first, second, slope1, slope2, grouping) - grouping.spread(centre))
            influence = influence if weights is None else weights * influence
        difference = sign * (value2 - value1)
        why = self._reasons(pairs.labels, grouping, blocks, counted)
        if blocks.codes is not None:
            why = [
                one or few for one, few in zip(why, self._few_entities(pairs, grouping, (first, second)), strict=True)
            ]
        usable = np.array([not reason for reason in why]) & np.isfinite(difference)
        found = intervals(
            np.where(usable, difference, 0.0), _only(influence, usable, grouping), grouping, blocks, weights=weights
        )
        if self.step is not None and (usable & (found.se == 0)).any():
            found = _unseen(found, self.step(terms), self._told_by(grouping, blocks, (first, second)), pairs, grouping)
        return [
            made(
                int(n), (value1[k], value2[k], difference[k], found.se[k], found.low[k], found.high[k]), found.methods[k]
            )
            if usable[k]
            else NotEstimable(int(n), why[k] or "its denominator is empty", _known(value1[k]), _known(value2[k]))
            for k, n in enumerate(grouping.sizes)
        ]  # fmt: skip

    def _reasons(self, labels: Floats, grouping: Grouping, blocks: Blocks, sums: list[Floats]) -> list[str]:
        """(g,) why a group has no interval; empty where it has one."""
        rarer = rarer_classes(labels, grouping) if self.rarer_class else np.full(grouping.count, np.inf)
        said = []
        for k in range(grouping.count):
            few = [(min(s[which, k].min() for s in sums), least, what) for which, least, what in self.needs]
            short = next((one for one in few if one[0] < one[1]), None)
            if rarer[k] < self.rarer_class:
                # With hardly a row of another class, whichever model says less of it wins, with next to no spread.
                said.append(f"{int(rarer[k])} rows of the rarer class; an interval needs {self.rarer_class}")
            elif blocks.counts[k] < MIN_UNITS:
                said.append(f"{int(blocks.counts[k])} {blocks.name}; an interval needs {MIN_UNITS}")
            elif short:
                said.append(f"{int(short[0])} {short[2]}; an interval needs {short[1]}")
            else:
                said.append("")
        return said

    def _told_by(self, grouping: Grouping, blocks: Blocks, rows: tuple[Floats, Floats]) -> Floats:
        """(g,) rows or entities that tell of the metric: the fewest behind what it needs, or all."""
        counted = [witnesses(row, blocks) for which, _, _ in self.needs for one in rows for row in one[which]]
        return np.min(counted, axis=0) if counted else blocks.counts

    def _few_entities(self, pairs: Pairs, grouping: Grouping, rows: tuple[Floats, Floats]) -> list[str]:
        """(g,) why entities are too few although rows are not; empty where they are not."""
        blocks, said = grouping.blocks(pairs.units), [""] * grouping.count
        counted = [
            (np.minimum(*(witnesses(row, blocks) for row in pair)), what)
            for which, _, what in self.needs
            for pair in zip(*(one[which] for one in rows), strict=True)
        ]
        if self.rarer_class:
            counted.append((witnesses(of_rarer_classes(pairs.labels, grouping), blocks), "rows of the rarer class"))
        for entities, what in counted:
            for k in np.flatnonzero(entities < MIN_UNITS):
                said[k] = said[k] or f"{what} of only {int(entities[k])} entities; an interval needs {MIN_UNITS}"
        return said


def _unseen(found: Intervals, step: float, told_by: Floats, pairs: Pairs, grouping: Grouping) -> Intervals:
    """The intervals where two models that differ answered alike throughout: what n witnesses did not show may still be there,
    in a share p of them with (1 − p)ⁿ = 2.5 %, to either side.

    Source: Hanley & Lippman-Hand 1983, "If nothing goes wrong, is everything all right?".
    """
    apart = pairs.champion != pairs.challenger
    differ = grouping.sums((apart.any(axis=1) if apart.ndim == 2 else apart).astype(np.float64)) > 0
    alike = differ & (found.se == 0) & (found.low == found.high) & (told_by > 0)
    if not alike.any():
        return found
    reach = np.where(alike, step * (1 - LEVEL ** (1 / np.maximum(told_by, 1))), 0.0)
    said = [
        f"no answer told apart by {int(n):,} witnesses" if k else method
        for k, n, method in zip(alike, told_by, found.methods, strict=True)
    ]
    return Intervals(found.se + reach / Z, found.low - reach, found.high + reach, tuple(said))


def witnesses(values: Floats, blocks: Blocks) -> Floats:
    """(g,) entities with a row that is not 0. What only a few of them show has a spread that cannot be seen: recall over the
    positives of one entity has none at all."""
    return blocks.total((blocks.sums(np.abs(values)) > 0).astype(np.float64))


def of_rarer_classes(labels: Floats, grouping: Grouping) -> Floats:
    """(n,) 1 for rows that are not of their group's commonest class, else 0."""
    commonest = _class_counts(labels, grouping).argmax(axis=0)
    return np.asarray(labels.astype(np.int64) != grouping.spread(commonest), dtype=np.float64)


def rarer_classes(labels: Floats, grouping: Grouping) -> Floats:
    """(g,) rows that are not of the group's commonest class."""
    return np.asarray(grouping.sizes - _class_counts(labels, grouping).max(axis=0))


def _class_counts(labels: Floats, grouping: Grouping) -> Floats:
    """(classes, g) rows of each class."""
    codes = labels.astype(np.int64)
    classes = max(int(codes.max(initial=0)) + 1, 2)
    return np.stack([grouping.sums((codes == c).astype(np.float64)) for c in range(classes)])


def _weighed(first: Floats, second: Floats, slope1: Floats, slope2: Floats, grouping: Grouping) -> Floats:
    """(n,) Σ slope · row value of the challenger, less that of the champion; exactly 0 where both rows and slopes are equal."""
    total = np.zeros(first.shape[1])
    for row1, row2, by1, by2 in zip(first, second, slope1, slope2, strict=True):
        if (by1 == 1).all() and (by2 == 1).all():
            total += row2 - row1
        else:
            total += grouping.spread(by2) * row2 - grouping.spread(by1) * row1
    return total


def _only(influence: Floats, usable: npt.NDArray[np.bool_], grouping: Grouping) -> Floats:
    """The influence, nothing in groups without a value."""
    return np.asarray(influence if usable.all() else np.where(grouping.spread(usable), influence, 0.0))


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
