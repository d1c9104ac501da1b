"""One search on one split: ours, FLAML's, and none (LightGBM as it comes), each judged by the same rows and losses."""

from __future__ import annotations

import multiprocessing
import os
import time
import warnings
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np

from loop_core.retrain.apart import Apart, Evaluator
from loop_core.retrain.clock import Clock
from loop_core.retrain.objective import Evaluation, Report, Watch, dataset
from loop_core.retrain.search import Limits, search
from loop_core.retrain.space import DEFAULTS, inside
from loop_core.retrain.study import Search
from loop_core.vocabulary import Task
from tests.bench.splits import Floats, Split

THREADS = 2


@dataclass(frozen=True)
class Attempt:
    """What one search found."""

    value: float
    """Loss on the validation rows, of its best."""
    losses: Floats
    """(n_test,) loss of each test row, by its best as it was validated: fitted on the training rows."""
    curve: tuple[tuple[float, float], ...] = ()
    """(seconds since it began, best value so far) of ours, trial by trial."""
    best_seconds: float = 0.0
    """When it found its best."""
    trials: int = 0

    def seconds_to(self, value: float) -> float:
        """When it was as good as that; infinite: never."""
        return next((seconds for seconds, best in self.curve if best <= value), float("inf"))


class Timed:
    """An evaluator that notes when a trial was better than all before."""

    def __init__(self, evaluator: Evaluator, began: float) -> None:
        self.evaluator, self.began, self.curve = evaluator, began, [(0.0, float("inf"))]

    def evaluate(
        self, params: Mapping[str, Any], *, report: Report | None = None, watch: Watch | None = None
    ) -> Evaluation:
        found = self.evaluator.evaluate(params, report=report, watch=watch)
        if found.value < self.curve[-1][1]:
            self.curve.append((time.monotonic() - self.began, found.value))
        return found


def ours(split: Split, seconds: float, seed: int, folder: Path) -> Attempt:
    """The search of a retrain without a champion to begin with. What it takes to start its process, copy the rows and
    bin them counts; importing libraries does not, as it does not for FLAML."""
    import lightgbm as lgb

    objective = split.objective(seed)
    with Apart(objective) as imported:
        imported.call(_nothing)
    began = time.monotonic()
    study = Search(f"sqlite:///{folder}/studies.db", f"{split.name}-{seed}-{seconds:g}-{began}", 1, seed)
    with Apart(objective) as apart:
        timed = Timed(apart, began)
        found = search(study, timed, Limits(1_000_000, Clock(seconds)), [inside(DEFAULTS)])
    assert found is not None
    rows, params = split.parts[0], {**objective.fixed, **found.params}
    data = dataset(split.rows.x[rows], split.rows.y[rows], split.rows, params)
    scores = lgb.train(params, data, found.evaluation.rounds).predict(split.rows.x[split.parts[2]])
    curve = tuple(timed.curve)
    return Attempt(found.evaluation.value, split.losses(scores), curve, curve[-1][0], len(found.trials))


def _nothing(evaluator: Evaluator) -> None:
    """What the first process is started for."""


def flaml(split: Split, seconds: float, seed: int, estimators: list[str] | str) -> Attempt:
    """FLAML with the same rows, told which are for validation. It has a process of its own, started before its time
    counts, in which OpenMP's threads wait without spinning: on a shared machine it tries ten times as much so."""
    # Warnings are those of other libraries among themselves, by the thousand.
    waiting = {"OMP_WAIT_POLICY": "PASSIVE", "PYTHONWARNINGS": "ignore"}
    with patch.dict(os.environ, waiting), ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(_flaml, split, seconds, seed, estimators).result()


def _flaml(split: Split, seconds: float, seed: int, estimators: list[str] | str) -> Attempt:
    from flaml import AutoML

    train, valid, test = split.parts
    numbers = split.charter.loop.task is Task.REGRESSION
    automl, y = AutoML(), split.rows.y
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of other libraries among themselves
        automl.fit(
            split.table(train),
            y[train],
            X_val=split.table(valid),
            y_val=y[valid],
            task="regression" if numbers else "classification",
            metric="mse" if numbers else "log_loss",
            eval_method="holdout",
            time_budget=seconds,
            estimator_list=estimators,
            n_jobs=THREADS,
            seed=seed,
            verbose=0,
        )
        scores = automl.predict(split.table(test)) if numbers else automl.predict_proba(split.table(test))[:, 1]
    return Attempt(automl.best_loss, split.losses(np.asarray(scores)), best_seconds=automl.time_to_find_best_model)


def untuned(split: Split) -> Floats:
    """(n_test,) loss of each test row by LightGBM's default parameters."""
    from lightgbm import LGBMClassifier, LGBMRegressor

    train, _, last = split.parts
    table, y, test = split.table(train), split.rows.y[train], split.table(last)
    if split.charter.loop.task is Task.REGRESSION:
        return split.losses(LGBMRegressor(n_jobs=THREADS, verbosity=-1).fit(table, y).predict(test))
    return split.losses(LGBMClassifier(n_jobs=THREADS, verbosity=-1).fit(table, y).predict_proba(test)[:, 1])
