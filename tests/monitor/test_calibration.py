"""Calibration: agrees with scikit-learn, its intervals cover, and odd input has a stated outcome."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl
import pytest
from sklearn.calibration import calibration_curve
from sklearn.linear_model import LogisticRegression

from loop_core.monitor import calibration, decision_boundary
from loop_core.monitor.reliability import brier_parts, calibration_error, cox, reliability_bins
from loop_core.vocabulary import State
from tests.conftest import START
from tests.monitor.world import DAYS, fill, outcomes, predictions

END = START + timedelta(days=DAYS)


def drawn(seed: int, n: int = 3_000, bend: float = 1.0):
    """Labels of chances whose log-odds the scores stretch by `bend`."""
    rng = np.random.default_rng(seed)
    odds = rng.normal(-1, 1, n)
    labels = (rng.random(n) < 1 / (1 + np.exp(-odds))).astype(float)
    return labels, 1 / (1 + np.exp(-bend * odds))


def test_bins_and_slope_agree_with_scikit_learn():
    labels, scores = drawn(0)
    found = reliability_bins(labels, scores)
    shares, means = calibration_curve(labels, scores, n_bins=15, strategy="quantile")
    assert [b.share for b in found] == pytest.approx(shares)
    assert [b.score for b in found] == pytest.approx(means)
    assert all(b.ci_low <= b.share <= b.ci_high for b in found)
    odds = np.log(scores / (1 - scores))[:, None]
    assert cox(labels, scores).slope == pytest.approx(
        LogisticRegression(C=np.inf).fit(odds, labels).coef_[0, 0], abs=1e-3
    )


def test_intervals_cover_where_scores_are_too_extreme():
    slope = large = 0
    for seed in range(200):
        found = cox(*drawn(seed, 1_000, bend=2.0))
        slope += abs(found.slope - 0.5) <= 1.96 * found.slope_se
        truth = cox(*drawn(seed, 1_000))
        large += abs(truth.intercept) <= 1.96 * truth.intercept_se
    assert 180 <= slope <= 200
    assert 180 <= large <= 200


def test_calibration_error_of_true_scores_is_not_beyond_noise():
    true = sum(calibration_error(*drawn(seed, 1_000), seed=seed)[1] <= 0.005 for seed in range(100))
    false = sum(calibration_error(*drawn(seed, 1_000, bend=3.0), seed=seed)[1] > 0.02 for seed in range(100))
    assert true >= 95
    assert false >= 95


def test_brier_parts_add_up():
    labels, scores = drawn(0, 20_000)
    brier, reliability, resolution, uncertainty = brier_parts(labels, scores)
    assert brier == pytest.approx(reliability - resolution + uncertainty, abs=0.002)
    assert reliability < 0.001 < resolution


def test_curves_by_cohort_and_over_time(loop):
    rows = predictions()
    twice = rows.with_columns(
        score=pl.when(pl.col("state") == "RJ").then((2 * pl.col("chance")).clip(0, 0.99)).otherwise(pl.col("chance"))
    )
    fill(loop, twice, outcomes(rows))
    at = END + timedelta(days=10)
    by_state = {c.cohort_value: c for c in calibration(loop, at, cohort="state", weeks=30)}
    assert {value: c.state for value, c in by_state.items()} == {"SP": State.OK, "BA": State.OK, "RJ": State.WATCH}
    assert by_state["RJ"].intercept_ci_high < 0 < by_state["RJ"].ece_ci_low
    over_time = calibration(loop, at, weeks=12, over_time=True)
    assert [(c.window_end - c.window_start).days for c in over_time] == [28, 28, 28]
    assert sum(c.n for c in over_time) == calibration(loop, at)[0].n


def test_what_has_no_calibration_says_so(loop):
    rows = predictions()
    fill(loop, rows, outcomes(rows, late_days=50, on_time_days=2))
    young = calibration(loop, END, weeks=3)
    assert [(c.state, c.ece, c.bins) for c in young] == [(State.PENDING, None, ())]
    assert calibration(loop, START) == []
    assert decision_boundary(loop, START) == []
    assert decision_boundary(loop, END, weeks=3) == []
    assert cox(np.zeros(100), np.linspace(0.1, 0.9, 100)) is None
    assert cox(*drawn(0, 100)[:1], np.full(100, 0.4)) is None
    # Scores that separate the classes have no slope: it would be infinite.
    assert cox(np.repeat([0.0, 1.0], 50), np.repeat([0.2, 0.8], 50) + np.linspace(0, 0.1, 100)) is None
    assert len(reliability_bins(drawn(0, 100)[0], np.full(100, 0.4))) == 1


def test_boundary_counts_what_is_near_the_threshold(loop):
    rows = predictions()
    labels = outcomes(rows)
    fill(loop, rows, labels)
    (bands,) = decision_boundary(loop, END + timedelta(days=70), weeks=50, threshold=0.3)
    joined = rows.join(labels, on="prediction_id")
    near = joined.filter((pl.col("score") - 0.3).abs() <= 0.05)
    assert bands.near_share == pytest.approx(near.height / rows.height)
    wrong = ((near["score"] >= 0.3).cast(float) != near["label"]).mean()
    assert bands.near_error_share == pytest.approx(wrong)
    assert bands.near_ci_low < wrong < bands.near_ci_high
    assert sum(b.n for b in bands.bands) == rows.height
    by_state = decision_boundary(loop, END + timedelta(days=70), weeks=50, cohort="state")
    assert [b.cohort_value for b in by_state] == ["SP", "RJ", "BA"]
