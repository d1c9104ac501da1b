"""The drill-down of one cell: every measure, with the values of the rows themselves."""

from __future__ import annotations

from datetime import timedelta

import polars as pl
import pytest
from scipy.stats import ks_2samp, wasserstein_distance

from loop_core.errors import RefusedError, UnknownNameError
from loop_core.monitor import METHODS, drift_scores
from loop_core.monitor.drift import exact_drift
from loop_core.vocabulary import State
from tests.conftest import START
from tests.monitor.world import DAYS, fill, predictions

END = START + timedelta(days=DAYS)
LAST = END - timedelta(days=7)
WINDOW = {"window_start": LAST, "window_end": END}
SHIFTED = predictions().with_columns(
    weight=pl.col("weight") + pl.when(pl.col("predicted_at") >= LAST).then(0.6).otherwise(0.0)
)


def test_values_are_those_of_the_rows(loop):
    found = {s.method: s for s in exact_drift(fill(loop, SHIFTED), END, feature="weight", **WINDOW)}
    assert set(found) == set(METHODS) - {"binned_wasserstein"} | {"wasserstein"}, "on rows it is another number"
    at = pl.col("predicted_at")
    usual = SHIFTED.filter(at < START + timedelta(days=90))["weight"].to_numpy()
    now = SHIFTED.filter(at >= LAST)["weight"].to_numpy()
    assert found["wasserstein"].value == pytest.approx(wasserstein_distance(usual, now) / usual.std())
    test = ks_2samp(usual, now, method="asymp")
    ks = found["kolmogorov_smirnov"]
    assert (ks.value, ks.p_value) == pytest.approx((test.statistic, test.pvalue))
    assert {m for m, s in found.items() if s.state is State.ALARM} >= {"psi", "wasserstein", "kolmogorov_smirnov"}
    assert found["unseen"].state is State.NOT_APPLICABLE


def test_thresholds_and_states_are_those_of_the_heatmap(loop):
    fill(loop, SHIFTED)
    psi = next(s for s in exact_drift(loop, END, feature="weight", **WINDOW) if s.method == "psi")
    cell = next(s for s in drift_scores(loop, END, weeks=1) if s.feature == "weight")
    assert (psi.threshold, psi.state, psi.n_current) == (cell.threshold, cell.state, cell.n_current)
    assert psi.value == pytest.approx(cell.value, rel=0.05)


def test_scores_categories_and_cohort_values_have_rows_too(loop):
    fill(loop, SHIFTED)
    assert next(iter(exact_drift(loop, END, feature="score", **WINDOW))).n_current == 280
    state = {s.method: s for s in exact_drift(loop, END, feature="state", **WINDOW)}
    assert state["chi_squared"].p_value > 1e-4
    in_sp = exact_drift(loop, END, feature="weight", **WINDOW, cohort="state", cohort_value="SP")
    assert 130 < in_sp[0].n_current < 200


def test_what_is_no_window_or_feature_is_said(loop):
    fill(loop, SHIFTED)
    with pytest.raises(RefusedError, match="no window"):
        exact_drift(loop, END, feature="weight", window_start=LAST - timedelta(days=1), window_end=END)
    with pytest.raises(UnknownNameError, match="price"):
        exact_drift(loop, END, feature="wieght", **WINDOW)
