"""Expected and seen false alarms beside the budget, and beside a fixed cut-off."""

from __future__ import annotations

from datetime import timedelta

import polars as pl
import pytest

from loop_core.errors import NotReadyError
from loop_core.monitor.drift import calibrate
from tests.conftest import START
from tests.monitor.world import DAYS, fill, predictions

END = START + timedelta(days=DAYS)


def test_a_quiet_loop_is_within_its_budget_where_a_fixed_cut_off_is_not(loop):
    found = calibrate(fill(loop, predictions()), END)
    assert found.expected_per_month <= found.budget == 1
    assert found.fixed_expected_per_month > 2
    assert found.seen_per_month <= 2
    assert {row.feature for row in found.rows} == {"price", "weight", "state", "score"}
    assert sum(row.expected_per_month for row in found.rows) == pytest.approx(found.expected_per_month)
    assert found.months_expected > 80
    assert "within the budget of 1; a fixed cut-off would give" in found.sentence
    assert calibrate(loop, END) == found


def test_drift_shows_as_alarms_since_the_reference_not_in_it(loop):
    late = pl.col("predicted_at") >= START + timedelta(days=110)
    rows = predictions().with_columns(weight=pl.col("weight") + pl.when(late).then(1.0).otherwise(0.0))
    found = calibrate(fill(loop, rows), END)
    weight = next(row for row in found.rows if row.feature == "weight")
    assert weight.since_per_month > 2 > weight.expected_per_month
    assert found.expected_per_month <= 1


def test_measures_without_a_folklore_value_and_loops_without_data(loop):
    with pytest.raises(NotReadyError, match="reference"):
        calibrate(loop, END)
    found = calibrate(fill(loop, predictions()), END, method="missing")
    assert found.fixed_expected_per_month is None
    assert found.expected_per_month == 0
