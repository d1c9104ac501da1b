"""Bias: by how much predictions are too high on average; the nearer to zero the better."""

from __future__ import annotations

import numpy as np

from loop_core.compare.estimate import Z
from loop_core.compare.metrics.binned import Binned, BinnedMetric, Bins, Floats
from loop_core.vocabulary import Task

#: A bias so many standard errors from zero has the sign that it shows.
SURE = 3.0
#: The 97.5 % point of the tighter of two bounds (Bonferroni); of one it is Z.
_Z_OF_TWO = 2.241403


def _gaps(labels: Floats, scores: Floats) -> tuple[Bins, Floats]:
    return np.zeros(len(labels), dtype=np.intp), scores - labels


def _judge(group: Binned) -> tuple[float, float, float, float, float, float]:
    """Values with their sign; the difference is that of their sizes.

    Sizes fold at zero, where draws about the seen values would miss the truth up to a third of the time. With s and t the
    true signs, |a| − |b| is at most s·a ∓ b and at least ±a − t·b: the tighter of two bounds, at the worst of the signs that
    may be the true ones. Away from zero that is the normal interval.
    """
    champion, challenger = (float(value) for value in group.means[:, 0])
    a, b, shared = (float(group.covariance[i, j]) for i, j in ((0, 0), (1, 1), (0, 1)))
    first, second = _signs(champion, a), _signs(challenger, b)

    def at(s: float, t: float) -> tuple[float, float]:
        """(s·a − t·b, its standard error)"""
        return s * champion - t * challenger, float(np.sqrt(max(a + b - 2 * s * t * shared, 0.0)))

    wide = [Z if len(signs) == 1 else _Z_OF_TWO for signs in (first, second)]
    high = max(min(value + wide[1] * se for value, se in (at(s, t) for t in second)) for s in first)
    low = min(max(value - wide[0] * se for value, se in (at(s, t) for s in first)) for t in second)
    return champion, challenger, abs(champion) - abs(challenger), (high - low) / 2 / Z, low, high


def _signs(value: float, variance: float) -> tuple[float, ...]:
    """The signs that the true value may have."""
    # What rounding leaves of a variance may be below zero.
    if abs(value) > SURE * np.sqrt(max(variance, 0.0)):
        return (float(np.sign(value)),)
    return (1.0, -1.0)


BIAS = BinnedMetric(
    "bias",
    "bias",
    (Task.REGRESSION,),
    n_bins=1,
    gaps=_gaps,
    judge=_judge,
    least=200,
    method="bounds over the signs that may be true",
)
