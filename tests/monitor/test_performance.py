"""Realised metrics use labels when they are ripe, and agree with scikit-learn then."""

from __future__ import annotations

from datetime import timedelta

import polars as pl
import pytest
from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score

from loop_core.monitor import performance
from loop_core.vocabulary import State
from tests.conftest import START
from tests.monitor.world import DAYS, fill, outcomes, predictions

END = START + timedelta(days=DAYS)
METRICS = ["log_loss", "brier", "auc"]


def test_point_values_agree_with_scikit_learn(loop):
    rows = predictions()
    labels = outcomes(rows)
    fill(loop, rows, labels)
    points = performance(loop, END + timedelta(days=7), metrics=METRICS)
    joined = rows.join(labels, on="prediction_id")
    references = {"log_loss": log_loss, "brier": brier_score_loss, "auc": roc_auc_score}
    told = [p for p in points if p.value is not None]
    assert len(told) > 60
    for point in told[::7]:
        part = joined.filter(pl.col("predicted_at").is_between(point.window_start, point.window_end, closed="left"))
        assert point.value == pytest.approx(references[point.metric](part["label"], part["score"]), abs=1e-12)
        assert point.ci_low < point.value < point.ci_high
        assert (point.n, point.model_version) == (part.height, "old")


def test_bad_outcomes_that_arrive_late_leave_the_window_pending_and_never_flatter_it(loop):
    rows = predictions()
    labels = outcomes(rows, late_days=40, on_time_days=3)
    fill(loop, rows, labels)
    points = performance(loop, END, metrics=["log_loss"])
    truth = rows.join(labels, on="prediction_id").with_columns(
        loss=-(pl.col("label") * pl.col("score").log() + (1 - pl.col("label")) * (1 - pl.col("score")).log())
    )
    young = [p for p in points if p.window_end > END - timedelta(days=35)]
    assert len(young) == 5
    assert all(p.state is State.PENDING and p.value is None and p.ci_low is None for p in young)
    # About three quarters are labelled already, nearly all of them 0: averaging those would look far too good.
    assert all(0.6 < p.mature_share < 0.9 for p in young[:-1])
    arrived = truth.filter((pl.col("observed_at") <= END) & (pl.col("predicted_at") >= young[0].window_start))[
        "loss"
    ].mean()
    assert arrived < 0.7 * truth["loss"].mean()
    old = [p for p in points if p.window_end <= END - timedelta(days=41)]
    assert old
    assert sum(p.value * p.n for p in old) / sum(p.n for p in old) == pytest.approx(truth["loss"].mean(), rel=0.05)


def test_a_planted_label_from_the_future_changes_nothing(loop):
    rows = predictions()
    labels = outcomes(rows)
    planted = labels.with_columns(
        label=1 - pl.col("label"),
        observed_at=pl.lit(END + timedelta(days=1)).cast(pl.Datetime("us", "UTC")),
        source=pl.lit("correction"),
    )
    fill(loop, rows, pl.concat([labels, planted]))
    points = [p for p in performance(loop, END, metrics=["log_loss"]) if p.value is not None]
    assert max(p.value for p in points) < 0.7
    after = [p for p in performance(loop, END + timedelta(days=2), metrics=["log_loss"]) if p.value is not None]
    assert min(p.value for p in after) > 0.7


def test_a_model_that_gets_worse_alarms(loop):
    rows = predictions()
    worse = rows["predicted_at"] >= END - timedelta(days=28)
    labels = outcomes(rows.with_columns(chance=pl.when(worse).then(1 - pl.col("chance")).otherwise(pl.col("chance"))))
    fill(loop, rows, labels)
    states = {
        p.metric: p.state for p in performance(loop, END + timedelta(days=3), metrics=METRICS) if p.value is not None
    }
    assert states == dict.fromkeys(METRICS, State.ALARM)


def test_one_class_has_no_auc_and_cohorts_are_split(loop):
    rows = predictions().with_columns(chance=pl.lit(0.0))
    fill(loop, rows, outcomes(rows))
    points = performance(loop, END + timedelta(days=20), cohort="state", metrics=["auc", "log_loss"])
    assert {p.cohort_value for p in points} == {"SP", "RJ", "BA"}
    assert {p.state for p in points if p.metric == "auc" and p.cohort_value == "SP" and p.n >= 50} == {
        State.NOT_APPLICABLE
    }
    assert performance(loop, START) == []
