"""What parameters are worth: means over folds, the worst cohort, and no dependence on threads or other trials."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest

from loop_core.charter import parse_charter
from loop_core.errors import StoppedError
from loop_core.monitor.losses import log_losses
from loop_core.retrain import training_set
from loop_core.retrain.objective import Objective, PrunedError
from loop_core.retrain.retrain import objective_of
from loop_core.retrain.space import DEFAULTS, RANGES, distributions, fixed_params, inside
from loop_core.retrain.weighting import weights_of
from loop_core.workspace import Loop
from tests.retrain.synthetic import CHARTER, END

BINARY = {"objective": "binary", "metric": "binary_logloss"}


@pytest.fixture(scope="module")
def objective(shared: Loop) -> Objective:
    found = objective_of(shared, training_set(shared, END), seed=0)
    assert found is not None
    return found


def test_the_value_is_the_mean_fold_loss_and_the_worst_cohort(objective: Objective) -> None:
    evaluation = objective.evaluate(DEFAULTS)
    values = []
    for index, fold in enumerate(evaluation.folds):
        losses = log_losses(objective.labels(index), fold.scores)
        inside_fold = slice(objective.folds[index].valid_start, objective.folds[index].valid_stop)
        states = objective.training.cohorts["state"][inside_fold]
        worst = max(losses[states == state].mean() for state in np.unique(states) if (states == state).sum() >= 30)
        assert fold.loss == pytest.approx(losses.mean())
        values.append(losses.mean() + 0.2 * worst)
    assert evaluation.value == pytest.approx(np.mean(values))
    assert evaluation.rounds == round(np.mean([fold.rounds for fold in evaluation.folds]))


def test_it_beats_the_base_rate(objective: Objective) -> None:
    y = objective.training.y
    base = log_losses(y, np.full(len(y), y.mean())).mean()
    assert objective.evaluate(DEFAULTS).loss < base - 0.02


def test_bins_shared_with_other_trials_change_nothing(objective: Objective, shared: Loop) -> None:
    objective.evaluate({**DEFAULTS, "num_leaves": 40, "min_data_in_leaf": 10, "bagging_fraction": 0.5})
    alone = Objective(objective.training, objective.folds, fixed_params(BINARY, 0, []), shared.charter)
    assert objective.evaluate(DEFAULTS).value == alone.evaluate(DEFAULTS).value


def test_rows_after_a_fold_cannot_change_it(objective: Objective, shared: Loop) -> None:
    first = objective.folds[0]
    x, y = objective.training.x.copy(), objective.training.y.copy()
    x[first.valid_stop :], y[first.valid_stop :] = 7.0, 1.0
    # Between training and validation lies the embargo; its labels must not matter either.
    x[first.train_stop : first.valid_start], y[first.train_stop : first.valid_start] = -3.0, 1.0
    other = Objective(replace(objective.training, x=x, y=y), [first], fixed_params(BINARY, 0, []), shared.charter)
    assert other.evaluate(DEFAULTS).folds[0].value == objective.evaluate(DEFAULTS).folds[0].value


def test_a_folds_weights_are_those_of_its_own_rows(objective: Objective, shared: Loop) -> None:
    """Of mean 1, as the refit's: else parameters would be chosen under a stronger regularisation than they are used."""
    aged = parse_charter(CHARTER.replace("[retrain]", "[retrain]\nhalf_life_days = 20"))
    frame = pl.DataFrame({"predicted_at": pl.from_epoch(pl.Series(objective.training.at), time_unit="us")})
    training = replace(objective.training, weights=weights_of(aged, frame))
    weighted = Objective(training, objective.folds, objective.fixed, shared.charter)
    for fold, (train, _) in zip(weighted.folds, weighted._data, strict=True):
        weights = train.get_weight()
        assert weights.mean() == pytest.approx(1)
        assert weights == pytest.approx(weights_of(aged, frame[: fold.train_stop]), rel=1e-5)


def test_a_report_can_give_a_trial_up(objective: Objective) -> None:
    seen: list[tuple[int, float]] = []

    def report(folds: int, value: float) -> bool:
        seen.append((folds, value))
        return folds == 2

    with pytest.raises(PrunedError):
        objective.evaluate(DEFAULTS, report=report)
    assert [folds for folds, _ in seen] == [1, 2]


def test_a_watch_ends_the_work_at_once(objective: Objective) -> None:
    def watch() -> None:
        raise StoppedError("enough")

    before = threading.active_count()
    with pytest.raises(StoppedError, match="enough"):
        objective.evaluate(DEFAULTS, watch=watch)
    assert threading.active_count() == before


def test_monotone_features_are_monotone(objective: Objective, shared: Loop) -> None:
    import lightgbm as lgb

    from loop_core.retrain.fit import fit

    names = objective.training.encoding.names
    fixed = fixed_params(BINARY, 0, [-1 if name == "weight" else 0 for name in names])
    booster = lgb.Booster(model_str=fit(objective.training, {**fixed, **DEFAULTS}, 20))
    row = np.repeat(objective.training.x[:1], 50, axis=0)
    row[:, names.index("weight")] = np.linspace(-2, 12, 50)
    assert (np.diff(booster.predict(row)) <= 0).all()


@pytest.mark.parametrize("params", [{}, {"num_leaves": 10_000, "learning_rate": 0.0}, {"objective": "binary"}])
def test_any_champion_fits_into_the_ranges(params: dict[str, Any]) -> None:
    found = inside(params)
    assert set(found) == set(RANGES) == set(DEFAULTS)
    assert all(distributions()[name]._contains(value) for name, value in found.items())
