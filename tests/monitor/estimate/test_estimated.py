"""Estimates of windows whose labels are not in: right while scores keep their meaning, and wrong when they lose it."""

from __future__ import annotations

from datetime import timedelta

import polars as pl
import pytest

from loop_core.monitor import estimated_performance, performance
from loop_core.vocabulary import State
from tests.conftest import START
from tests.monitor.world import DAYS, fill, outcomes, predictions

END = START + timedelta(days=DAYS)


def test_pending_windows_have_an_estimate_that_their_labels_later_bear_out(loop):
    rows = predictions()
    fill(loop, rows, outcomes(rows, late_days=40, on_time_days=3))
    now = estimated_performance(loop, END, weeks=5)
    assert [p.state for p in performance(loop, END, weeks=5)] == [State.PENDING] * 5
    # Whole weeks from END on, so that the windows are the same ones.
    realised = {p.window_start: p for p in performance(loop, END + timedelta(days=56))}
    assert all(p.ci_low < p.value < p.ci_high for p in now)
    inside = [p.ci_low <= realised[p.window_start].value <= p.ci_high for p in now]
    assert sum(inside) >= 4


def test_concept_drift_goes_unseen_by_the_estimate_and_is_revealed_by_the_realised_metric(loop):
    rows = predictions()
    turned = rows["predicted_at"] >= END - timedelta(days=28)
    labels = outcomes(rows.with_columns(chance=pl.when(turned).then(1 - pl.col("chance")).otherwise(pl.col("chance"))))
    fill(loop, rows, labels)
    as_of = END + timedelta(days=12)
    newest = [p for p in performance(loop, as_of, metrics=["auc"]) if p.value is not None and p.n > 200][-1]
    estimate = next(
        p for p in estimated_performance(loop, as_of, metrics=["auc"]) if p.window_start == newest.window_start
    )
    assert newest.state is State.ALARM
    assert newest.ci_high < 0.5 < 0.65 < estimate.ci_low
    assert estimate.state is State.OK
    assert "concept drift" in estimate.note


def test_inputs_that_move_are_seen_before_labels_come(loop):
    rows = predictions()
    # The newest three weeks bring only cases near a half, which nobody can tell apart.
    moved = rows["predicted_at"] >= END - timedelta(days=21)
    score = pl.when(moved).then(0.45 + 0.1 * pl.col("score")).otherwise(pl.col("score"))
    fill(loop, rows.with_columns(score=score), outcomes(rows, late_days=30, on_time_days=30))
    estimates = estimated_performance(loop, END, weeks=8)
    assert [p.state for p in estimates] == [State.OK] * 5 + [State.ALARM] * 3
    assert {p.state for p in performance(loop, END, weeks=3)} == {State.PENDING}


def test_without_labels_there_is_no_estimate_and_it_says_why(loop):
    rows = predictions()
    fill(loop, rows)
    found = estimated_performance(loop, END, metrics=["brier"], weeks=4)
    assert [(p.value, p.state) for p in found] == [(None, State.PENDING)] * 4
    assert found[0].note.startswith("No estimate")
    assert estimated_performance(loop, START, metrics=["brier"]) == []


def test_cohorts_are_calibrated_on_their_own_rows(loop):
    rows = predictions()
    # In Rio the model's scores are half of what they should be.
    scored = rows.with_columns(
        score=pl.when(pl.col("state") == "RJ").then(pl.col("chance") / 2).otherwise(pl.col("chance"))
    )
    fill(loop, scored, outcomes(rows))
    at = END + timedelta(days=10)
    estimates = {
        (p.cohort_value, p.window_start): p.value
        for p in estimated_performance(loop, at, cohort="state", metrics=["brier"])
    }
    realised = [
        p
        for p in performance(loop, at, cohort="state", metrics=["brier"])
        if p.value is not None and p.cohort_value == "RJ"
    ]
    mean = sum(p.value for p in realised) / len(realised)
    told = [estimates["RJ", p.window_start] for p in realised]
    assert sum(told) / len(told) == pytest.approx(mean, abs=0.01)
