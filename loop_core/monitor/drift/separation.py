"""How well a classifier tells two sets of rows apart, cross-validated, and what quiet sets of rows score by chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from loop_core.monitor.profiles import Counts
from loop_core.monitor.roc import auc_with_error

FOLDS, ROUNDS = 5, 25
#: At most this many rows a side: where nothing changed, 95 % of such AUCs lie within 0.5 ± 0.016.
ROWS = 5_000
#: The reference gives at most so many times the window's rows: more would take time and tell little.
TIMES = 4


@dataclass(frozen=True)
class Separation:
    """One comparison."""

    auc: float
    error: float
    """Its standard error after DeLong, which takes rows for independent of the classifier that scored them."""
    gains: Counts
    """(features,) what each contributed."""
    unit: float
    """Standard error that an AUC of rows without difference would have, had the classifier been fixed beforehand."""

    @property
    def score(self) -> float:
        """The AUC above chance in such units: comparable between sets of different sizes."""
        return (self.auc - 0.5) / self.unit


def separation(usual: Counts, now: Counts, categorical: Sequence[int], seed: int) -> Separation:
    """Of (n, features) encoded rows, at most `ROWS` of each side."""
    rng, most = np.random.default_rng(seed), min(ROWS, TIMES * len(now))
    sides = [side[rng.permutation(len(side))[:most]] for side in (usual, now)]
    numbers, labels = np.concatenate(sides), np.repeat([0.0, 1.0], [len(side) for side in sides])
    scores, gains = _cross_validated(numbers, labels, categorical, rng)
    auc, error, _ = auc_with_error(labels, scores) or (0.5, 0.0, 0.0)
    first, second = (len(side) for side in sides)
    return Separation(auc, error, gains, float(np.sqrt((first + second + 1) / (12 * first * second))))


def _cross_validated(
    numbers: Counts, labels: Counts, categorical: Sequence[int], rng: np.random.Generator
) -> tuple[Counts, Counts]:
    """(n,) scores of rows by models that did not see them, and (features,) total gain."""
    import lightgbm

    folds = _folds(labels, rng)
    scores, gains = np.zeros(len(labels)), np.zeros(numbers.shape[1])
    parameters = {
        "objective": "binary", "num_leaves": 15, "learning_rate": 0.15, "min_data_in_leaf": max(5, len(labels) // 200),
        # Both sides weigh the same, so that folds with more rows of one side do not score lower because of it.
        "boost_from_average": False, "is_unbalance": True, "num_threads": 1, "seed": 0, "deterministic": True, "force_row_wise": True, "verbosity": -1,
    }  # fmt: skip
    for fold in range(FOLDS):
        kept = folds != fold
        rows = lightgbm.Dataset(
            numbers[kept], labels[kept], categorical_feature=list(categorical) or "auto", params=parameters
        )
        booster = lightgbm.train(parameters, rows, ROUNDS)
        scores[~kept] = booster.predict(numbers[~kept], num_threads=1)
        gains += booster.feature_importance("gain")
    return scores, gains


def _folds(labels: Counts, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """(n,) fold of each row, with both sides in proportion."""
    folds = np.zeros(len(labels), dtype=np.int64)
    for side in (labels > 0.5, labels < 0.5):
        folds[side] = rng.permutation(int(side.sum())) % FOLDS
    return folds
