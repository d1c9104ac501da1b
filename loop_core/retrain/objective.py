"""What a set of parameters is worth: mean fold loss + λ × the worst declared cohort's, on bins made once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from threading import Event
from typing import TYPE_CHECKING, Any

from loop_core.charter import Charter
from loop_core.errors import StoppedError
from loop_core.retrain.folds import Fold
from loop_core.retrain.learning import learning_of
from loop_core.retrain.space import EARLY_STOPPING, MAX_ROUNDS
from loop_core.retrain.training import TrainingSet

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

#: Called after each fold with (folds done, mean value so far); True: give this trial up.
Report = Callable[[int, float], bool]
#: Called after each tree; raises to end the work.
Watch = Callable[[], None]
#: Folds trained side by side: three on two cores too, or the last of three would have one core while the other waits.
WORKERS = 3


class PrunedError(StoppedError):
    """A trial that was given up because others did better on the first folds."""


@dataclass(frozen=True)
class FoldResult:
    """One fold of one trial."""

    value: float
    """Loss + λ × worst cohort's loss."""
    loss: float
    """Log loss, or the mean error of numbers (see `learning_of`)."""
    rounds: int
    """Trees up to the best validation loss."""
    scores: npt.NDArray[np.float64]
    """(n_valid,) probabilities or numbers, (n_valid, n_classes) of several classes, at that number of trees."""


@dataclass(frozen=True)
class Evaluation:
    """One set of parameters over all folds."""

    folds: tuple[FoldResult, ...]

    @property
    def value(self) -> float:
        """Mean over folds of the objective; lower is better."""
        return sum(fold.value for fold in self.folds) / len(self.folds)

    @property
    def loss(self) -> float:
        """Mean fold loss."""
        return sum(fold.loss for fold in self.folds) / len(self.folds)

    @property
    def rounds(self) -> int:
        """Trees for the refit: the folds' mean."""
        return max(1, round(sum(fold.rounds for fold in self.folds) / len(self.folds)))


class Objective:
    """Evaluates parameters on folds whose bins are made once, with the first trial, and shared by all."""

    def __init__(
        self, training: TrainingSet, folds: Sequence[Fold], fixed: Mapping[str, Any], charter: Charter
    ) -> None:
        self.training, self.folds, self.fixed = training, tuple(folds), dict(fixed)
        self.loss, self.weight = learning_of(charter).loss, charter.retrain.worst_cohort_weight
        self.min_rows = {cohort.name: cohort.min_rows for cohort in charter.cohorts}

    def __getstate__(self) -> dict[str, Any]:
        """Without the bins, which cannot be sent to another process: it makes its own."""
        return {name: value for name, value in vars(self).items() if name != "_data"}

    @cached_property
    def _data(self) -> list[tuple[Any, Any]]:
        return [self._bin(fold) for fold in self.folds]

    def labels(self, fold: int) -> npt.NDArray[np.float64]:
        """(n_valid,) labels of a fold's validation rows."""
        return self.training.y[self._valid(fold)]

    def evaluate(
        self, params: Mapping[str, Any], *, report: Report | None = None, watch: Watch | None = None
    ) -> Evaluation:
        """Train on every fold, three side by side; results are taken in fold order, so they do not depend on timing.

        Raises:
            PrunedError: `report` gave the trial up.
            Exception: whatever `watch` raised.
        """
        given_up = Event()
        with ThreadPoolExecutor(WORKERS) as pool:
            _ = self._data
            futures = [pool.submit(self._fold, index, params, given_up, watch) for index in range(len(self.folds))]
            done: list[FoldResult] = []
            try:
                for future in futures:
                    done.append(future.result())
                    if report and len(done) < len(futures) and report(len(done), Evaluation(tuple(done)).value):
                        raise PrunedError("The trial was given up after its first folds")
            finally:
                given_up.set()
        return Evaluation(tuple(done))

    def _fold(self, index: int, params: Mapping[str, Any], given_up: Event, watch: Watch | None) -> FoldResult:
        import lightgbm as lgb

        def look(_: Any) -> None:
            if given_up.is_set():
                raise PrunedError("The trial was given up after its first folds")
            if watch:
                watch()

        train, valid = self._data[index]
        booster = lgb.train(
            {**self.fixed, **params},
            train,
            MAX_ROUNDS,
            valid_sets=[valid],
            callbacks=[lgb.early_stopping(EARLY_STOPPING, verbose=False), look],
        )
        scores = booster.predict(
            self.training.x[self._valid(index)], num_iteration=booster.best_iteration, num_threads=1
        )
        return self._result(index, scores, booster.best_iteration)

    def _result(self, index: int, scores: npt.NDArray[np.float64], rounds: int) -> FoldResult:
        losses = self.loss(self.labels(index), scores)
        overall = float(losses.mean())
        return FoldResult(overall + self.weight * self._worst(index, losses), overall, rounds, scores)

    def _worst(self, index: int, losses: npt.NDArray[np.float64]) -> float:
        """The highest mean loss of a cohort value with enough rows in the fold; the overall one if none has."""
        import numpy as np

        worst = float(losses.mean())
        for name, codes in self.training.cohorts.items():
            inside = codes[self._valid(index)]
            counts, sums = np.bincount(inside), np.bincount(inside, weights=losses)
            enough = counts >= self.min_rows[name]
            if enough.any():
                worst = max(worst, float((sums[enough] / counts[enough]).max()))
        return worst

    def _valid(self, index: int) -> slice:
        return slice(self.folds[index].valid_start, self.folds[index].valid_stop)

    def _bin(self, fold: Fold) -> tuple[Any, Any]:
        # Bins come from the fold's own training rows, so not even a quantile of the validation block is seen.
        x, y, valid = self.training.x, self.training.y, slice(fold.valid_start, fold.valid_stop)
        older = self.training.oldest(fold.train_stop)
        train = dataset(older.x, older.y, self.training, self.fixed, weights=older.weights)
        return train, dataset(x[valid], y[valid], self.training, self.fixed, reference=train)


def dataset(
    x: npt.NDArray[np.float64],
    y: npt.NDArray[np.float64],
    training: TrainingSet,
    fixed: Mapping[str, Any],
    reference: Any = None,
    weights: npt.NDArray[np.float64] | None = None,
) -> Any:
    """A binned `lightgbm.Dataset`; `reference` lends its bins."""
    import lightgbm as lgb

    data = lgb.Dataset(
        x,
        y,
        weight=weights,
        reference=reference,
        feature_name=training.encoding.names,
        categorical_feature=training.encoding.categorical,
        params=dict(fixed),
        free_raw_data=False,
    )
    return data.construct()
