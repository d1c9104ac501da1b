"""CBPE for more than two classes: each class's scores are calibrated against the rest, then made to add up to one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from loop_core.charter import Charter
from loop_core.errors import UnknownNameError
from loop_core.lake import quoted
from loop_core.monitor.estimate.base import MIN_ROWS, ReferenceRows, fit_each, sampled
from loop_core.monitor.estimate.binary import MIN_CLASS, BinaryMethod
from loop_core.monitor.estimate.expected import Expected, Rows, expected, expected_auc
from loop_core.monitor.estimate.isotonic import Calibrator, fitted
from loop_core.monitor.groups import Group
from loop_core.monitor.losses import LEAST_CHANCE

if TYPE_CHECKING:
    import polars as pl

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]

#: Metrics that are the plain mean over classes of the metric of "this class or not".
ONE_AGAINST_REST = ("precision", "recall", "specificity", "f1")
MULTICLASS = ("auc", "accuracy", "log_loss", "brier", *ONE_AGAINST_REST)


@dataclass(frozen=True)
class ClassRows:
    """Scored rows with the chance of each class."""

    scores: Floats
    """(n, K) what the model said."""
    chances: Floats
    """(n, K) that add up to one."""
    weights: Floats
    """(n,) how many rows each stands for."""
    chosen: Codes
    """(n,) number of the class that the model chose."""

    def expected(self, metric: str) -> Expected | None:
        """One metric. Raises UnknownNameError.

        Args:
            metric: of `MULTICLASS`; AUC, precision, … are macro averages over classes.
        """
        if metric not in MULTICLASS:
            raise UnknownNameError("metric", metric, MULTICLASS)
        if not len(self.scores):
            return None
        if metric == "auc":
            return self._macro(lambda k: expected_auc(self._against_rest(k, self.scores[:, k])))
        if metric in ONE_AGAINST_REST:
            said = np.eye(self.scores.shape[1])[self.chosen]
            return self._macro(lambda k: expected(metric, self._against_rest(k, said[:, k])))
        return self._mean(_COSTS[metric](self))

    def _against_rest(self, k: int, scores: Floats) -> Rows:
        return Rows.of(scores, self.chances[:, k], self.weights)

    def _macro(self, of_class: Callable[[int], Expected | None]) -> Expected | None:
        """Mean over classes; the error as if classes went together, which is the widest it can be."""
        found = [one for k in range(self.chances.shape[1]) if (one := of_class(k)) is not None]
        if len(found) < self.chances.shape[1]:
            return None
        return Expected(float(np.mean([f.value for f in found])), float(np.mean([f.se for f in found])))

    def _mean(self, costs: Floats) -> Expected:
        """Of (n, K) what a row costs when each class is the true one."""
        n = float(self.weights.sum())
        value = float(self.weights @ (self.chances * costs).sum(axis=1)) / n
        spread = float(self.weights @ (self.chances * (costs - value) ** 2).sum(axis=1)) / n
        return Expected(value, float(np.sqrt(spread / n)))


#: Metric → (n, K) what a row costs when each class is the true one.
_COSTS: dict[str, Callable[[ClassRows], Floats]] = {
    "accuracy": lambda rows: np.eye(rows.scores.shape[1])[rows.chosen],
    "log_loss": lambda rows: -np.log(np.maximum(rows.scores, LEAST_CHANCE)),
    "brier": lambda rows: (rows.scores**2).sum(axis=1, keepdims=True) - 2 * rows.scores + 1,
}


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
            metric: of `MULTICLASS`.
            scores: (n, K) what the model said.
            predicted: (n,) number of the class it chose; None: the highest score's.
        """
        chosen = scores.argmax(axis=1) if predicted is None else predicted
        return ClassRows(scores, self.chances(scores), np.ones(len(scores)), chosen).expected(metric)


def fit_multiclass(scores: Floats, labels: Codes) -> MulticlassEstimator:
    """Learn the chances behind the scores.

    Args:
        scores: (n, K) of reference rows.
        labels: (n,) number of the true class.
    """
    return MulticlassEstimator(
        tuple(fitted(scores[:, k], (labels == k).astype(np.float64)) for k in range(scores.shape[1]))
    )


class MulticlassMethod:
    """CBPE of several classes in a loop; see `base.Method`."""

    assumption = BinaryMethod.assumption
    features = False

    def select(self, charter: Charter) -> str:
        return sampled([quoted(name) for name in charter.score_columns])

    def enough(self, group: Group) -> bool:
        """Rows of every class, as in the binary case."""
        counts = np.bincount(group.labels.astype(np.int64), minlength=group.scores.shape[1])
        return group.n >= MIN_ROWS and int(counts.min()) >= MIN_CLASS

    def fit(self, rows: ReferenceRows) -> Mapping[str | None, MulticlassEstimator]:
        return {value: _of_group(group) for value, group in fit_each(self.enough, rows).items()}

    def told(self, parts: Sequence[tuple[MulticlassEstimator, pl.DataFrame]]) -> ClassRows:
        scores = [part.drop("n").to_numpy().astype(np.float64) for _, part in parts]
        chances = [estimator.chances(said) for (estimator, _), said in zip(parts, scores, strict=True)]
        together, weights = np.concatenate(scores), np.concatenate([part["n"].to_numpy() for _, part in parts])
        return ClassRows(together, np.concatenate(chances), weights, together.argmax(axis=1))


def _of_group(group: Group) -> MulticlassEstimator:
    # Folds go by order; see the binary case.
    order = np.lexsort(group.scores.T)
    return fit_multiclass(group.scores[order], group.labels[order].astype(np.int64))
