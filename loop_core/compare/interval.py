"""The 95 % interval of a difference in every group at once, from what each row adds to its error."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from loop_core.compare.bca import bca_interval
from loop_core.compare.estimate import CONFIDENCE
from loop_core.compare.groups import Blocks, Grouping

Floats = npt.NDArray[np.float64]

#: Below this many units the interval is bootstrapped.
BOOTSTRAP_BELOW = 200


@dataclass(frozen=True)
class Intervals:
    """One interval a group."""

    se: Floats
    """(g,) standard errors."""
    low: Floats
    """(g,) lower ends."""
    high: Floats
    """(g,) upper ends."""
    methods: tuple[str, ...]
    """(g,) how each was made, in words."""


def intervals(
    difference: Floats,
    influence: Floats,
    grouping: Grouping,
    blocks: Blocks,
    *,
    weights: Floats | None = None,
    seed: int = 0,
) -> Intervals:
    """Intervals of differences whose errors are means of row influences.

    From 200 units on a t interval whose standard error adds rows up within their unit (cluster-robust, with the factor
    G/(G−1)). Its degrees of freedom are those of the variance estimate: where few units carry most of it, as positives do
    at two percent, they are few. Below 200 units the BCa bootstrap over units or the t interval, end by end the wider.

    Args:
        difference: (g,) estimates.
        influence: (n,) what each row adds to its group's error, times the group's rows; zero in sum over a group.
        grouping: the groups.
        blocks: units within them; two or more in every group that matters.
        weights: (n,) how much each row counts, adding up to the rows of its group; None: as one.
        seed: of the bootstrap.

    Source: Liang & Zeger 1986 (clustered standard errors); Satterthwaite 1946, with the fourth moment as in O'Neill 2014
    (degrees of freedom of a variance); Efron 1987 (BCa).
    """
    from scipy.special import stdtrit

    sums = blocks.sums(influence)
    # Fourth powers of labels in unusual units would leave the range of numbers.
    scale = float(np.abs(sums).max(initial=0.0)) or 1.0
    squares = (sums / scale) ** 2
    second, fourth = blocks.total(squares), blocks.total(squares * squares)
    counts = blocks.counts
    with np.errstate(divide="ignore", invalid="ignore"):
        se = scale * np.sqrt(second * counts / (counts - 1)) / grouping.sizes
        freedom = _freedom(counts, second, fourth)
        half = np.where(second > 0, stdtrit(freedom, (1 + CONFIDENCE) / 2) * se, 0.0)
    low, high = difference - half, difference + half
    methods = [f"t interval, {int(count):,} {blocks.name}" for count in counts]
    few = np.flatnonzero((counts >= 2) & (counts < BOOTSTRAP_BELOW) & (second > 0))
    # By size: groups of as many units share their draws.
    for k in few[np.argsort(counts[few], kind="stable")]:
        # Alone, BCa is too narrow at few rows, and t misses on the long side of a skewed loss.
        mine = blocks.group == k
        each = np.ones_like(influence) if weights is None else weights
        sizes = blocks.sums(each)[mine]
        bottom, top = bca_interval(sums[mine] + difference[k] * sizes, sizes, confidence=CONFIDENCE, seed=seed)
        low[k], high[k] = min(low[k], bottom), max(high[k], top)
        methods[k] = f"BCa bootstrap or t, the wider, {int(counts[k])} {blocks.name}"
    return Intervals(se, low, high, tuple(methods))


def _freedom(counts: Floats, second: Floats, fourth: Floats) -> Floats:
    """Degrees of freedom of a variance, 2n / (κ − (n − 3)/(n − 1)) of n units with kurtosis κ; at most n − 1.

    κ is estimated, and too low where the heavy units are few: there freedom is still somewhat overstated.

    Args:
        counts: (g,) units.
        second, fourth: (g,) sums of their squares and fourth powers, in any scale common to a group.
    """
    kurtosis = counts * fourth / (second * second)
    return np.clip(2 * counts / (kurtosis - (counts - 3) / (counts - 1)), 1.0, np.maximum(counts - 1, 1.0))
