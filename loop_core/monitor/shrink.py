"""Values of many groups drawn towards their common mean: the less sure a group is of itself, the more.

Source: DerSimonian & Laird 1986, "Meta-analysis in clinical trials"; the shrunken values are the usual empirical Bayes
estimates of that random-effects model, with the interval of Morris 1983, "Parametric empirical Bayes inference".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_Z = 1.959964


@dataclass(frozen=True)
class Shrunk:
    """One group's value after the others were heard."""

    value: float
    ci_low: float
    """95 % interval."""
    ci_high: float


def shrink(values: Sequence[float], errors: Sequence[float]) -> list[Shrunk]:
    """Random-effects estimates, one for each group.

    Args:
        values: (k,) of the groups, k ≥ 1.
        errors: (k,) their standard errors; 0 is taken as sure.

    >>> [round(s.value, 2) for s in shrink([0.1, 0.2, 0.9], [0.01, 0.01, 0.5])]
    [0.1, 0.2, 0.16]
    """
    y, variance = np.asarray(values, dtype=float), np.asarray(errors, dtype=float) ** 2
    floor = max(float(variance.max()) * 1e-9, 1e-18)
    variance = np.maximum(variance, floor)
    between = variance_between(y, 1 / variance)
    weights = 1 / (variance + between)
    mean, mean_variance = float((weights * y).sum() / weights.sum()), float(1 / weights.sum())
    own = between / (between + variance)
    shrunk = own * y + (1 - own) * mean
    # How far groups differ is itself estimated, from so few of them (Morris 1983).
    unsure = 2 / max(len(y) - 3, 1) * (1 - own) ** 2 * (y - mean) ** 2
    half = _Z * np.sqrt(own * variance + (1 - own) ** 2 * mean_variance + unsure)
    return [Shrunk(float(s), float(s - h), float(s + h)) for s, h in zip(shrunk, half, strict=True)]


def variance_between(y: np.ndarray, weights: np.ndarray) -> float:
    """τ²: the variance between groups beyond what their own errors explain."""
    if len(y) < 2:
        return 0.0
    mean = (weights * y).sum() / weights.sum()
    excess = float((weights * (y - mean) ** 2).sum()) - (len(y) - 1)
    return max(0.0, excess / float(weights.sum() - (weights**2).sum() / weights.sum()))
