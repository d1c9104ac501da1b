"""How far labels still out could move a realised metric: every label they could be, tried one by one."""

from __future__ import annotations

from datetime import timedelta
from itertools import product

import numpy as np
import polars as pl
import pytest
from sklearn import metrics as sk

from loop_core.monitor import performance
from loop_core.monitor.performance import PerformancePoint
from loop_core.monitor.still_out import value_bounds
from loop_core.vocabulary import State
from tests.conftest import START
from tests.monitor.world import fill, outcomes, predictions

TRUTH = {
    "log_loss": sk.log_loss,
    "brier": sk.brier_score_loss,
    "accuracy": lambda labels, scores: sk.accuracy_score(labels, scores >= 0.5),
    "auc": sk.roc_auc_score,
}


def filled(labels, every):
    open_ = np.flatnonzero(np.isnan(labels))
    for values in product(every, repeat=len(open_)):
        one = labels.copy()
        one[open_] = values
        yield one


@pytest.mark.parametrize("metric", TRUTH)
@pytest.mark.parametrize("seed", range(2))
def test_bounds_are_the_least_and_the_most(metric, seed):
    rng = np.random.default_rng(seed)
    labels, scores = (rng.random(30) < 0.3).astype(float), rng.random(30).round(1 if metric == "auc" else 3)
    labels[rng.choice(30, 4, replace=False)] = np.nan
    every = [TRUTH[metric](one, scores) for one in filled(labels, (0.0, 1.0))]
    assert value_bounds(metric, labels, scores, all_come=True) == pytest.approx((min(every), max(every)), abs=1e-12)


@pytest.mark.parametrize("metric", TRUTH)
def test_bounds_hold_where_labels_never_come(metric):
    # Whatever its label is, a score of ½ among certain ones makes all of these worse; without a label it does not.
    labels = np.array([1.0, 1.0, 1.0, 0.0, 0.0, 0.0, np.nan, np.nan])
    scores = np.array([0.9, 0.9, 0.4, 0.6, 0.1, 0.1, 0.5, 0.5])
    every = []
    for one in filled(labels, (0.0, 1.0, np.nan)):
        known = ~np.isnan(one)
        every.append(TRUTH[metric](one[known], scores[known]))
    assert value_bounds(metric, labels, scores) == pytest.approx((min(every), max(every)), abs=1e-12)


def test_classes_are_bounded_and_numbers_are_not():
    rng = np.random.default_rng(0)
    labels, scores = rng.integers(0, 3, 20).astype(float), rng.dirichlet(np.ones(3), 20)
    labels[:3] = np.nan
    every = [sk.log_loss(one, scores, labels=[0, 1, 2]) for one in filled(labels, (0.0, 1.0, 2.0))]
    assert value_bounds("log_loss", labels, scores, all_come=True) == pytest.approx((min(every), max(every)))
    assert value_bounds("auc", labels, scores) == (None, None)
    assert value_bounds("mae", labels, scores[:, 0]) == (None, None)


def test_a_young_window_says_what_its_missing_labels_could_do(loop):
    rows = predictions()
    labels = outcomes(rows, late_days=1, on_time_days=1)
    # Two frauds of every window of 280 rows are known after weeks.
    slow = labels.with_row_index("k").filter(pl.col("k") % 140 == 7).drop("k")
    late = slow.with_columns(pl.col("observed_at") + timedelta(days=25))
    fill(loop, rows, pl.concat([labels.join(slow, on="prediction_id", how="anti"), late]))
    as_of = START + timedelta(days=150)
    found = [p for p in performance(loop, as_of, metrics=["log_loss", "auc"], weeks=8) if p.value is not None]
    young = [p for p in found if p.waiting]
    assert young
    assert all(p.bound_low is None and not p.bounds for p in found if not p.waiting)
    for point in young:
        assert point.waiting in (1, 2)
        assert point.bound_low < point.bound_high
        assert "still out could move it to anything from 0." in point.bounds
    # What they came to lies between.
    later = {(p.metric, p.window_start): p for p in performance(loop, as_of + timedelta(days=28), weeks=16)}
    for point in young:
        final = later.get((point.metric, point.window_start))
        assert final is None or point.bound_low <= final.value <= point.bound_high
    assert any((point.metric, point.window_start) in later for point in young)


def test_overdue_labels_may_come_yet_and_are_allowed_for(loop):
    rows = predictions()
    labels = outcomes(rows, late_days=1, on_time_days=1).with_row_index("k")
    # Three frauds of every window are known three weeks after they were due.
    missing = labels.filter(pl.col("k") % 93 == 7).with_columns(pl.col("observed_at") + timedelta(days=80)).drop("k")
    fill(loop, rows, pl.concat([labels.drop("k").join(missing, on="prediction_id", how="anti"), missing]))
    as_of = START + timedelta(days=150)
    found = [p for p in performance(loop, as_of, metrics=["log_loss", "auc"], weeks=9) if p.value is not None]
    young = [p for p in found if p.waiting]
    assert any(p.overdue for p in young)
    for point in young:
        out = point.waiting + point.overdue
        assert point.bounds.startswith(f"{out} labels still out" if out > 1 else "one label still out")
    later = {(p.metric, p.window_start): p for p in performance(loop, as_of + timedelta(days=42), weeks=16)}
    finals = [(p, later[key]) for p in young if (key := (p.metric, p.window_start)) in later]
    assert finals
    assert all(p.bound_low <= final.value <= p.bound_high for p, final in finals)


def test_of_numbers_it_is_said_that_they_have_no_bound():
    moment = START
    point = PerformancePoint("mae", moment, moment, None, None, None, 1.0, 0.9, 1.1, 90, 0.9, State.OK, waiting=10)
    assert point.bounds == "10 labels still out could move it by any amount: a number has no worst value"
