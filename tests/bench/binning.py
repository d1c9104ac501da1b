"""Trials a minute with bins made once, and with datasets built in every trial: same parameters, folds and rounds."""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import repeat
from typing import Any
from unittest.mock import patch

import numpy as np
import numpy.typing as npt

from loop_core.retrain.folds import Fold
from loop_core.retrain.objective import WORKERS, Objective
from loop_core.retrain.space import DEFAULTS, EARLY_STOPPING, MAX_ROUNDS, distributions, inside
from tests.bench.rivals import THREADS
from tests.bench.splits import Split

TRIALS, FOLDS = 12, 3
Params = Mapping[str, float | int]


@dataclass(frozen=True)
class Rates:
    """How fast each way is."""

    rows: int
    folds: int
    seconds: dict[str, npt.NDArray[np.float64]]
    """(n_trials,) of each trial: `shared`: by `Objective`, making the bins included; `naive`: fold after fold, each on as
    many threads as there are cores; `side_by_side`: datasets built anew too, but the folds trained as `Objective` does, so
    that the difference is the binning alone."""

    def a_minute(self, way: str) -> float:
        """Trials a minute."""
        return 60 * len(self.seconds[way]) / float(self.seconds[way].sum())

    def gain(self, over: str) -> float:
        """Median over the trials of its time by ours: what else runs on the machine at one moment weighs little."""
        return float(np.median(self.seconds[over] / self.seconds["shared"]))


def rates(split: Split) -> Rates:
    """Time the same trials three ways, in turns, in a process in which OpenMP's threads wait without spinning: on a
    shared machine the loop that trains on two threads is ten times slower otherwise."""
    with (
        patch.dict(os.environ, {"OMP_WAIT_POLICY": "PASSIVE"}),
        ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool,
    ):
        return pool.submit(_rates, split).result()


def _rates(split: Split) -> Rates:
    import lightgbm  # noqa: F401  # so that nobody's time holds the import

    objective = _on_three_folds(split)
    naive = Naive(objective)
    ways: dict[str, Callable[[Params], object]] = {
        "shared": objective.evaluate,
        "naive": naive.one_after_another,
        "side_by_side": naive.side_by_side,
    }
    took: dict[str, list[float]] = {name: [] for name in ways}
    for place, params in enumerate(_drawn()):
        for turn in range(len(ways)):
            name = list(ways)[(place + turn) % len(ways)]
            took[name].append(_seconds(ways[name], params))
    n = objective.folds[-1].valid_stop
    return Rates(n, len(objective.folds), {name: np.array(each) for name, each in took.items()})


def _seconds(way: Callable[[Params], object], params: Params) -> float:
    began = time.perf_counter()
    way(params)
    return time.perf_counter() - began


class Naive:
    """What a user of Optuna and LightGBM writes into the function that a study calls."""

    def __init__(self, objective: Objective) -> None:
        self.rows, self.folds, self.fixed, self.loss = (
            objective.training,
            objective.folds,
            objective.fixed,
            objective.loss,
        )

    def one_after_another(self, params: Params) -> float:
        return float(np.mean([self._fold(fold, params, THREADS) for fold in self.folds]))

    def side_by_side(self, params: Params) -> float:
        with ThreadPoolExecutor(WORKERS) as pool:
            return float(np.mean(list(pool.map(self._fold, self.folds, repeat(params), repeat(1)))))

    def _fold(self, fold: Fold, params: Params, threads: int) -> float:
        import lightgbm as lgb

        asked: dict[str, Any] = {**self.fixed, **params, "num_threads": threads}
        x, y, names = self.rows.x, self.rows.y, self.rows.encoding.names
        valid = slice(fold.valid_start, fold.valid_stop)
        shape = {"feature_name": names, "categorical_feature": self.rows.encoding.categorical, "params": asked}
        train = lgb.Dataset(x[: fold.train_stop], y[: fold.train_stop], **shape)
        check = lgb.Dataset(x[valid], y[valid], reference=train, **shape)
        stop = lgb.early_stopping(EARLY_STOPPING, verbose=False)
        booster = lgb.train(asked, train, MAX_ROUNDS, valid_sets=[check], callbacks=[stop])
        return float(self.loss(y[valid], booster.predict(x[valid], num_iteration=booster.best_iteration)).mean())


def _on_three_folds(split: Split) -> Objective:
    """Rolling blocks of a tenth of the training rows each, the newest last."""
    stop = split.fold.train_stop
    block = stop // 10
    folds = tuple(
        Fold(stop - place * block, stop - place * block, stop - (place - 1) * block) for place in range(FOLDS, 0, -1)
    )
    return split.objective(0, folds)


def _drawn() -> list[dict[str, float | int]]:
    """The defaults, and parameters drawn once from the search's ranges."""
    from optuna import create_study
    from optuna.samplers import RandomSampler

    study = create_study(sampler=RandomSampler(seed=0))
    asked = [study.ask(fixed_distributions=distributions()).params for _ in range(TRIALS - 1)]
    return [inside(DEFAULTS), *asked]
