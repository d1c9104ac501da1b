"""Row-additive losses of a probability forecast: the mean over rows is the metric."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def log_losses(labels: Floats, scores: Floats) -> Floats:
    """−ln of the probability given to what happened, per row.

    Scores are clipped to [ε, 1 − ε] with ε = 2⁻⁵², as scikit-learn's `log_loss` does: one certain and wrong
    answer costs 36, not infinity.

    Args:
        labels: (n,) 0 or 1.
        scores: (n,) probabilities of label 1 in [0, 1].

    >>> log_losses(np.array([1.0, 0.0]), np.array([0.5, 0.0])).round(4).tolist()
    [0.6931, 0.0]
    """
    eps = np.finfo(np.float64).eps
    clipped = np.clip(scores, eps, 1 - eps)
    return -np.log(np.where(labels > 0.5, clipped, 1 - clipped))


def brier_losses(labels: Floats, scores: Floats) -> Floats:
    """Squared error of the probability, per row (Brier 1950).

    >>> brier_losses(np.array([1.0, 0.0]), np.array([0.5, 0.1])).round(4).tolist()
    [0.25, 0.01]
    """
    gaps = scores - labels
    return gaps * gaps


#: Metric name → its loss per row; lower is better for all of them.
ROW_LOSSES: dict[str, Callable[[Floats, Floats], Floats]] = {"log_loss": log_losses, "brier": brier_losses}
