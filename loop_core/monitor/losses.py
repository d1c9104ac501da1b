"""Losses that add up over rows: the mean over rows is the metric, or its square."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
#: Log loss takes smaller chances for this one, 2⁻⁵², as scikit-learn's `log_loss` does: one certain and wrong answer costs
#: 36, not infinity. The one definition: realised, estimated, compared, and as SQL.
LEAST_CHANCE = float(np.finfo(np.float64).eps)


def told(labels: Floats, scores: Floats) -> Floats:
    """(n,) probability that was given to what happened.

    Args:
        labels: (n,) 0 or 1, or the number of the class.
        scores: (n,) probabilities of label 1, or (n, n_classes) of each class.

    >>> told(np.array([1.0, 0.0]), np.array([[0.2, 0.8], [0.7, 0.3]])).tolist()
    [0.8, 0.7]
    """
    if scores.ndim == 2:
        return np.asarray(scores[np.arange(len(labels)), labels.astype(np.int64)])
    return np.where(labels > 0.5, scores, 1 - scores)


def log_losses(labels: Floats, scores: Floats) -> Floats:
    """−ln of the probability given to what happened, per row.

    Chances under `LEAST_CHANCE` count as that.

    Args:
        labels, scores: as in `told`.

    >>> log_losses(np.array([1.0, 0.0]), np.array([0.5, 0.0])).round(4).tolist()
    [0.6931, 0.0]
    """
    return np.asarray(-np.log(np.maximum(told(labels, scores), LEAST_CHANCE)) + 0.0)


def brier_losses(labels: Floats, scores: Floats) -> Floats:
    """Squared error of the probability, per row; of several classes, summed over them (Brier 1950).

    >>> brier_losses(np.array([1.0, 0.0]), np.array([0.5, 0.1])).round(4).tolist()
    [0.25, 0.01]
    >>> brier_losses(np.array([1.0]), np.array([[0.2, 0.8]])).round(4).tolist()
    [0.08]
    """
    if scores.ndim == 2:
        return np.asarray((scores**2).sum(axis=1) - 2 * told(labels, scores) + 1)
    gaps = scores - labels
    return np.asarray(gaps * gaps)


def misses(labels: Floats, scores: Floats) -> Floats:
    """1 where the most probable class is not the true one, else 0; the mean is 1 − accuracy.

    >>> misses(np.array([1.0, 0.0]), np.array([[0.2, 0.8], [0.3, 0.7]])).tolist()
    [0.0, 1.0]
    """
    said = scores.argmax(axis=1) if scores.ndim == 2 else (scores >= 0.5)
    return np.asarray(said != labels, dtype=np.float64)


def absolute_errors(labels: Floats, scores: Floats) -> Floats:
    """|what came − what was predicted|, in the label's unit."""
    return np.abs(labels - scores)


def squared_errors(labels: Floats, scores: Floats) -> Floats:
    """Its square."""
    return np.asarray((labels - scores) ** 2)


Loss = Callable[[Floats, Floats], Floats]
#: Metric name → its loss per row. The metric is their mean, but for `rmse` (its root) and `accuracy` (1 − it).
ROW_LOSSES: dict[str, Loss] = {
    "log_loss": log_losses,
    "brier": brier_losses,
    "accuracy": misses,
    "mae": absolute_errors,
    "mse": squared_errors,
    "rmse": squared_errors,
}
#: Metrics of numbers, which have no classes that could be too small.
OF_NUMBERS = frozenset({"mae", "mse", "rmse"})


def of_mean(metric: str, mean: Floats) -> tuple[Floats, Floats]:
    """Mean loss → (metric, by how much it changes with the mean), for the delta method.

    >>> [float(x) for x in of_mean("rmse", np.float64(4.0))], [float(x) for x in of_mean("accuracy", np.float64(0.25))]
    ([2.0, 0.25], [0.75, -1.0])
    """
    if metric == "rmse":
        root = np.sqrt(mean)
        return root, np.divide(0.5, root, out=np.zeros_like(root), where=root > 0)
    if metric == "accuracy":
        return 1 - mean, np.full_like(mean, -1.0)
    return mean, np.ones_like(mean)
