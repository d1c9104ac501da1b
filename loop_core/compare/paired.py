"""Paired difference of a row-additive metric (log loss, Brier): same rows, two models, one interval."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from loop_core.compare.bca import bca_interval
from loop_core.compare.estimate import CONFIDENCE, MIN_UNITS, Estimate, NotEstimable
from loop_core.monitor.units import Units, clustered_se

Floats = npt.NDArray[np.float64]

#: Below this many units the interval is bootstrapped.
BOOTSTRAP_BELOW = 200


def paired_difference(
    champion: Floats, challenger: Floats, units: Units | None = None, *, seed: int = 0
) -> Estimate | NotEstimable:
    """Mean of champion loss − challenger loss with its 95 % interval; up is good for the challenger.

    From 200 units on a t interval whose standard error adds rows up within their unit (cluster-robust, with the
    factor G/(G−1)); below, the BCa bootstrap over units or the t interval, end by end the wider; below 20, none.

    Args:
        champion, challenger: (n,) losses of the same rows, lower is better.
        units: which rows belong together; None: every row stands alone.
        seed: of the bootstrap.

    Source: Liang & Zeger 1986 (clustered standard errors); Efron 1987 (BCa).

    >>> rng = np.random.default_rng(0)
    >>> loss = rng.random(1000)
    >>> e = paired_difference(loss, loss - 0.1 + 0.01 * rng.standard_normal(1000))
    >>> round(e.difference, 3), e.method
    (0.1, 't interval, 1,000 rows')
    """
    n = len(champion)
    units = units or Units(None, n)
    if units.count < MIN_UNITS:
        return NotEstimable(
            n, f"{units.count} {units.name}; an interval needs {MIN_UNITS}", *_means(champion, challenger)
        )
    gaps = champion - challenger
    mean = float(gaps.mean())
    se = clustered_se(gaps - mean, units)
    low, high, method = _interval(gaps, mean, se, units, seed)
    first, second = _means(champion, challenger)
    return Estimate(n, float(first or 0), float(second or 0), mean, se, low, high, method)


def _interval(gaps: Floats, mean: float, se: float, units: Units, seed: int) -> tuple[float, float, str]:
    from scipy.special import stdtrit

    half = float(stdtrit(units.count - 1, (1 + CONFIDENCE) / 2)) * se
    if units.count >= BOOTSTRAP_BELOW:
        return mean - half, mean + half, f"t interval, {units.count:,} {units.name}"
    # Alone, BCa covers 92 times in 100 at 60 rows of log loss, and t misses on the long side of a skewed one.
    low, high = bca_interval(units.sums(gaps), units.sums(np.ones_like(gaps)), confidence=CONFIDENCE, seed=seed)
    return min(low, mean - half), max(high, mean + half), f"BCa bootstrap or t, the wider, {units.count} {units.name}"


def _means(champion: Floats, challenger: Floats) -> tuple[float | None, float | None]:
    return (float(champion.mean()), float(challenger.mean())) if len(champion) else (None, None)
