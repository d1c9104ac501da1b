"""Bias: by how much predictions are too high on average; the nearer to zero the better."""

import numpy as np

from loop_core.compare.metrics.binned import Binned, BinnedMetric, Bins, Floats, drawn, interval_of
from loop_core.vocabulary import Task


def _gaps(labels: Floats, scores: Floats) -> tuple[Bins, Floats]:
    return np.zeros(len(labels), dtype=np.intp), scores - labels


def _judge(group: Binned) -> tuple[float, float, float, float, float, float]:
    """Values with their sign; the difference is that of their sizes."""
    champion, challenger = (float(value) for value in group.means[:, 0])
    draws = np.abs(drawn(group.means[:, 0], group.covariance))
    return champion, challenger, *interval_of(draws[:, 0] - draws[:, 1], abs(champion) - abs(challenger))


BIAS = BinnedMetric("bias", "bias", (Task.REGRESSION,), n_bins=1, gaps=_gaps, judge=_judge, least=200)
