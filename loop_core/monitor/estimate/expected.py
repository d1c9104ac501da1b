"""What a metric is expected to be when each row's label is 1 with a known chance, and how far a sample strays from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from loop_core.monitor.losses import log_losses

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Expected:
    """A metric of labels that nobody has seen."""

    value: float
    se: float
    """Standard deviation over samples of so many rows: rows and labels are drawn, the chances are right."""


@dataclass(frozen=True)
class Rows:
    """Scored rows, or groups of rows with nearly the same score."""

    scores: Floats
    """(n,) what the model said."""
    chances: Floats
    """(n,) chance of label 1."""
    weights: Floats
    """(n,) how many rows each stands for."""

    @classmethod
    def of(cls, scores: Floats, chances: Floats, weights: Floats | None = None) -> Rows:
        """Rows, each for itself unless weights say otherwise."""
        return cls(scores, chances, np.ones_like(scores) if weights is None else weights)

    @property
    def count(self) -> float:
        return float(self.weights.sum())

    def expected(self, metric: str) -> Expected | None:
        """One metric of them, see `expected`."""
        return expected(metric, self) if len(self.scores) else None


def expected_auc(rows: Rows) -> Expected | None:
    """Area under the ROC curve: each row is a positive with its chance, and a negative with the rest.

    The error is DeLong's, with expected counts in place of counts. None: one class is not expected at all.

    >>> expected_auc(Rows.of(np.array([0.2, 0.8]), np.array([0.0, 1.0]))).value
    1.0
    """
    knots, places = np.unique(rows.scores, return_inverse=True)
    up = np.bincount(places, rows.weights * rows.chances, minlength=len(knots))
    down = np.bincount(places, rows.weights * (1 - rows.chances), minlength=len(knots))
    m, k = float(up.sum()), float(down.sum())
    if min(m, k) <= 0:
        return None
    beaten, beaten_by = (np.cumsum(down) - down / 2) / k, (m - np.cumsum(up) + up / 2) / m
    value = float((up * beaten).sum() / m)
    spread = float((up * (beaten - value) ** 2).sum() / m**2 + (down * (beaten_by - value) ** 2).sum() / k**2)
    return Expected(value, float(np.sqrt(spread)))


def expected_average_precision(rows: Rows) -> Expected | None:
    """Mean precision over the rising recall; the error by its influence function. None: no positive is expected.

    What a row of score s changes: if positive, its own precision P(s); and the precision P(t) of every positive at t ≤ s,
    by how far its label is from it.

    Source: Boyd, Eng & Page 2013 for the estimate; Hampel 1974 for the error.
    """
    knots, places = np.unique(-rows.scores, return_inverse=True)
    up = np.bincount(places, rows.weights * rows.chances, minlength=len(knots))
    size = np.bincount(places, rows.weights, minlength=len(knots))
    n, total, positives = rows.count, np.cumsum(size), float(up.sum())
    if positives <= 0:
        return None
    precision = np.cumsum(up) / total
    value = float((up * precision).sum() / positives)
    # Knots fall, so positives at or below a score are those from its knot on.
    below, weighted = (np.cumsum((up * part / total)[::-1])[::-1] for part in (np.ones_like(up), precision))
    hit = (precision - value + below - weighted) * n / positives
    miss = -weighted * n / positives
    spread = float((up * hit**2 + (size - up) * miss**2).sum()) / n
    return Expected(value, float(np.sqrt(spread / n)))


@dataclass(frozen=True)
class Ratio:
    """A metric that is a sum over rows divided by another: what a row adds to each when its label is 1, and when 0."""

    top: tuple[Floats, Floats]
    """(n,) for label 1, (n,) for label 0."""
    bottom: tuple[Floats, Floats]


def expected_ratio(ratio: Ratio, rows: Rows) -> Expected | None:
    """Expected sum over expected sum, with the delta method's error. None: nothing is expected below the line."""
    p, w, n = rows.chances, rows.weights, rows.count
    top = float((w * (p * ratio.top[0] + (1 - p) * ratio.top[1])).sum())
    bottom = float((w * (p * ratio.bottom[0] + (1 - p) * ratio.bottom[1])).sum())
    if bottom <= 0:
        return None
    value = top / bottom
    one, zero = (ratio.top[i] - value * ratio.bottom[i] for i in (0, 1))
    spread = float((w * (p * one**2 + (1 - p) * zero**2)).sum()) / n
    return Expected(value, float(np.sqrt(spread / n)) / (bottom / n))


def _per_row(rows: Rows, threshold: float) -> tuple[Floats, Floats, Floats]:
    yes = (rows.scores >= threshold).astype(np.float64)
    return yes, 1 - yes, np.ones_like(yes)


def _log_loss(rows: Rows, _: float) -> Ratio:
    one = np.ones_like(rows.scores)
    return Ratio((log_losses(one, rows.scores), log_losses(1 - one, rows.scores)), (one, one))


def _brier(rows: Rows, _: float) -> Ratio:
    one = np.ones_like(rows.scores)
    return Ratio(((1 - rows.scores) ** 2, rows.scores**2), (one, one))


def _accuracy(rows: Rows, threshold: float) -> Ratio:
    yes, no, one = _per_row(rows, threshold)
    return Ratio((yes, no), (one, one))


def _precision(rows: Rows, threshold: float) -> Ratio:
    yes, _, one = _per_row(rows, threshold)
    return Ratio((yes, 0 * one), (yes, yes))


def _recall(rows: Rows, threshold: float) -> Ratio:
    yes, _, one = _per_row(rows, threshold)
    return Ratio((yes, 0 * one), (one, 0 * one))


def _specificity(rows: Rows, threshold: float) -> Ratio:
    _, no, one = _per_row(rows, threshold)
    return Ratio((0 * one, no), (0 * one, one))


def _f1(rows: Rows, threshold: float) -> Ratio:
    yes, _, one = _per_row(rows, threshold)
    return Ratio((2 * yes, 0 * one), (yes + one, yes))


#: Metric → what each row adds to it, given the score from which on the model says yes.
RATIOS: dict[str, Callable[[Rows, float], Ratio]] = {
    "log_loss": _log_loss,
    "brier": _brier,
    "accuracy": _accuracy,
    "precision": _precision,
    "recall": _recall,
    "specificity": _specificity,
    "f1": _f1,
}
#: Every metric that can be expected of a yes/no label.
BINARY = ("auc", "average_precision", *RATIOS)


def expected(metric: str, rows: Rows, threshold: float = 0.5) -> Expected | None:
    """One metric by name. Raises UnknownNameError.

    Args:
        metric: of `BINARY`.
        rows: scores with their chances.
        threshold: from this score on the model says yes.
    """
    if metric == "auc":
        return expected_auc(rows)
    if metric == "average_precision":
        return expected_average_precision(rows)
    if metric not in RATIOS:
        from loop_core.errors import UnknownNameError

        raise UnknownNameError("metric", metric, BINARY)
    return expected_ratio(RATIOS[metric](rows, threshold), rows)
