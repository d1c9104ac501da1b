"""Expected calibration error: root of the mean squared gap between the share that came and the mean score, in ten bins.

The mean absolute gap, as often used, has no honest interval near a calibrated model: noise is folded up, and how much of
it depends on the unknown gaps. Squares can be freed of it.
"""

import numpy as np

from loop_core.compare.metrics.binned import Binned, BinnedMetric, Bins, Floats, drawn, interval_of
from loop_core.vocabulary import Task

BINS = 10


def _gaps(labels: Floats, scores: Floats) -> tuple[Bins, Floats]:
    return np.minimum((scores * BINS).astype(np.intp), BINS - 1), labels - scores


def _judge(group: Binned) -> tuple[float, float, float, float, float, float]:
    """Both squares are freed of what noise adds, and drawn together: they are nearly normal where their roots are not.

    Source: Kumar, Liang & Ma 2019, "Verified uncertainty calibration" (the debiased estimate).
    """
    scale = 1 / np.sqrt(np.where(group.shares > 0, group.shares, 1)).ravel()
    gaps, covariance = group.means.ravel() * scale, group.covariance * np.outer(scale, scale)
    first, second = slice(0, BINS), slice(BINS, 2 * BINS)
    squares = np.array([(gaps[one] ** 2).sum() - np.trace(covariance[one, one]) for one in (first, second)])
    spread = np.empty((2, 2))
    for i, a in enumerate((first, second)):
        for j, b in enumerate((first, second)):
            block = covariance[a, b]
            noise = 2 * (block**2).sum()
            # Of a quadratic form in normals; its first part holds the noise twice over.
            spread[i, j] = 4 * gaps[a] @ block @ gaps[b] - noise
            spread[i, j] = max(spread[i, j], noise) if i == j else spread[i, j]
    limit = 0.99 * np.sqrt(spread[0, 0] * spread[1, 1])
    spread[0, 1] = spread[1, 0] = np.clip(spread[0, 1], -limit, limit)
    champion, challenger = np.sqrt(np.maximum(squares, 0))
    draws = np.sqrt(np.maximum(drawn(squares, spread), 0))
    if np.array_equal(gaps[first], gaps[second]):
        return float(champion), float(challenger), 0.0, 0.0, 0.0, 0.0
    seen = float(champion - challenger)
    return float(champion), float(challenger), *interval_of(draws[:, 0] - draws[:, 1], seen)


ECE = BinnedMetric(
    "ece", "calibration error", (Task.BINARY,), n_bins=BINS, gaps=_gaps, judge=_judge, least=2000, rarer_class=200
)
