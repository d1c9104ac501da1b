"""CBPE for more than two classes: each class's scores are calibrated against the rest, then made to add up to one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from loop_core.errors import UnknownNameError
from loop_core.monitor.estimate.expected import Expected, Rows, expected, expected_auc
from loop_core.monitor.estimate.isotonic import Calibrator, fitted

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]

#: Metrics that are the plain mean over classes of the metric of "this class or not".
ONE_AGAINST_REST = ("precision", "recall", "specificity", "f1")
MULTICLASS = ("auc", "accuracy", *ONE_AGAINST_REST)


@dataclass(frozen=True)
class MulticlassEstimator:
    """Fitted on a reference."""

    calibrators: tuple[Calibrator, ...]
    """One a class."""

    def chances(self, scores: Floats) -> Floats:
        """(n, K) chances that add up to one; even where every class came out as impossible."""
        raw = np.column_stack([one(scores[:, k]) for k, one in enumerate(self.calibrators)])
        total = raw.sum(axis=1, keepdims=True)
        found: Floats = np.divide(raw, total, out=np.full_like(raw, 1 / raw.shape[1]), where=total != 0)
        return found

    def estimate(self, metric: str, scores: Floats, predicted: Codes | None = None) -> Expected | None:
        """One metric of a window. Raises UnknownNameError.

        Args:
            metric: of `MULTICLASS`; AUC, precision, … are macro averages over classes.
            scores: (n, K) what the model said.
            predicted: (n,) number of the class it chose; None: the highest score's.
        """
        chosen = scores.argmax(axis=1) if predicted is None else predicted
        chances = self.chances(scores)
        if metric == "accuracy":
            return _accuracy(chances, chosen)
        if metric == "auc":
            return _macro(chances, lambda k: expected_auc(Rows.of(scores[:, k], chances[:, k])))
        if metric in ONE_AGAINST_REST:
            said = np.eye(scores.shape[1])[chosen]
            return _macro(chances, lambda k: expected(metric, Rows.of(said[:, k], chances[:, k])))
        raise UnknownNameError("metric", metric, MULTICLASS)


def fit_multiclass(scores: Floats, labels: Codes) -> MulticlassEstimator:
    """Learn the chances behind the scores.

    Args:
        scores: (n, K) of reference rows.
        labels: (n,) number of the true class.
    """
    return MulticlassEstimator(
        tuple(fitted(scores[:, k], (labels == k).astype(np.float64)) for k in range(scores.shape[1]))
    )


def _accuracy(chances: Floats, chosen: Codes) -> Expected | None:
    if not len(chosen):
        return None
    value = float(chances[np.arange(len(chosen)), chosen].mean())
    return Expected(value, float(np.sqrt(value * (1 - value) / len(chosen))))


def _macro(chances: Floats, of_class: Callable[[int], Expected | None]) -> Expected | None:
    """Mean over classes; the error as if classes went together, which is the widest it can be."""
    found = [one for k in range(chances.shape[1]) if (one := of_class(k)) is not None]
    if len(found) < chances.shape[1]:
        return None
    return Expected(float(np.mean([f.value for f in found])), float(np.mean([f.se for f in found])))
