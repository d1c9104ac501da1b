"""Expected calibration error: root of the mean squared gap between the share that came and the mean score, in ten bins.

The mean absolute gap, as often used, has no honest interval near a calibrated model: noise is folded up, and how much of
it depends on the unknown gaps. Squares can be freed of it.
"""

import numpy as np

from loop_core.compare.estimate import Z
from loop_core.compare.metrics.binned import Binned, BinnedMetric, Bins, Floats
from loop_core.vocabulary import Task

BINS = 10
_CIRCLE = np.stack([np.cos(turn := np.linspace(0, 2 * np.pi, 720, endpoint=False)), np.sin(turn)], axis=1)
#: Keeps the root of a covariance that is zero.
_TINY = 1e-300


def _gaps(labels: Floats, scores: Floats) -> tuple[Bins, Floats]:
    return np.minimum((scores * BINS).astype(np.intp), BINS - 1), labels - scores


def _judge(group: Binned) -> tuple[float, float, float, float, float, float]:
    """Both squares are freed of what noise adds. They are nearly normal where their roots are not, so the difference of the
    roots is followed around the ellipse of squares that are 1.96 standard errors off: its ends are those of the interval.
    Where roots are straight this is the normal interval. Where one model is calibrated and the other is not, it misses the
    truth somewhat more often than it says (`python -m tests.bench compare`), and draws about the seen values would far more often.

    Source: Kumar, Liang & Ma 2019, "Verified uncertainty calibration" (the debiased estimate); the ends are those of a
    profile likelihood of the two squares.
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
            # Of a quadratic form in normals; its first part holds the noise twice over. Half of it is left in a variance,
            # which is understated just where its square is.
            spread[i, j] = 4 * gaps[a] @ block @ gaps[b] - (noise / 2 if i == j else noise)
            spread[i, j] = max(spread[i, j], noise) if i == j else spread[i, j]
    limit = 0.99 * np.sqrt(spread[0, 0] * spread[1, 1])
    spread[0, 1] = spread[1, 0] = np.clip(spread[0, 1], -limit, limit)
    champion, challenger = np.sqrt(np.maximum(squares, 0)).tolist()
    difference = champion - challenger
    if np.array_equal(gaps[first], gaps[second]):
        return champion, challenger, 0.0, 0.0, 0.0, 0.0
    around = np.sqrt(np.maximum(squares + Z * _CIRCLE @ np.linalg.cholesky(spread + _TINY * np.eye(2)).T, 0))
    differences = around[:, 0] - around[:, 1]
    least, most = around.min(axis=0), around.max(axis=0)
    # Where a model may be calibrated its root has no other side, and the end is the other's.
    low = min(difference, float(differences.min()), -most[1] if least[0] == 0 else difference)
    high = max(difference, float(differences.max()), most[0] if least[1] == 0 else difference)
    return champion, challenger, difference, (high - low) / 2 / Z, low, high


ECE = BinnedMetric(
    "ece",
    "calibration error",
    (Task.BINARY,),
    n_bins=BINS,
    gaps=_gaps,
    judge=_judge,
    least=2000,
    rarer_class=200,
    method="profile of two squared errors",
)
