"""Drift from the lake: quiet is quiet, planted shifts are found, odd columns are stated outcomes."""

from __future__ import annotations

from datetime import timedelta

import polars as pl
import pytest

from loop_core.errors import UnknownNameError
from loop_core.monitor import drift_scores
from loop_core.vocabulary import State
from tests.conftest import START
from tests.monitor.world import DAYS, fill, predictions

END = START + timedelta(days=DAYS)
SHIFT = START + timedelta(days=172)


def test_quiet_data_rarely_alarms_and_every_feature_has_every_window(loop):
    scores = drift_scores(fill(loop, predictions()), END)
    assert {s.feature for s in scores} == {"price", "weight", "state", "score"}
    assert all(s.value is not None for s in scores)
    assert len({s.window_start for s in scores}) == 12
    assert sum(s.state is State.ALARM for s in scores) <= 2
    assert all(s.n_current == 280 for s in scores if s.window_end <= END)


def test_a_shift_is_found_and_the_rest_stays_quiet(loop):
    late = pl.col("predicted_at") >= SHIFT
    rows = predictions().with_columns(
        weight=pl.col("weight") + pl.when(late).then(0.6).otherwise(0.0),
        state=pl.when(late & (pl.col("state") == "BA")).then(pl.lit("ZZ")).otherwise(pl.col("state")),
    )
    scores = drift_scores(fill(loop, rows), END)
    after = [s for s in scores if s.window_start >= SHIFT]
    assert after
    assert all(s.state is State.ALARM for s in after if s.feature in ("weight", "state"))
    assert not any(s.state is State.ALARM for s in after if s.feature == "price")
    assert sum(s.state is State.ALARM for s in scores if s.window_end <= SHIFT) <= 2


def test_each_cohort_value_has_its_own_reference(loop):
    rows = predictions().with_columns(
        price=pl.when((pl.col("predicted_at") >= SHIFT) & (pl.col("state") == "RJ"))
        .then(pl.col("price") * 100)
        .otherwise(pl.col("price"))
    )
    scores = drift_scores(fill(loop, rows), END, weeks=2, cohort="state")
    price = {s.cohort_value: s for s in scores if s.feature == "price" and s.window_end == END}
    assert price["RJ"].state is State.ALARM
    assert price["SP"].state in (State.OK, State.WATCH)
    assert price["BA"].state is State.TOO_FEW  # 28 rows; the charter asks for 50
    assert price["BA"].value is None


@pytest.mark.parametrize("value", [None, 7.0, float("nan"), float("inf")])
def test_constant_null_and_infinite_columns_do_not_stop_the_monitor(loop, value):
    rows = predictions().with_columns(weight=pl.lit(value, dtype=pl.Float64))
    found = [s for s in drift_scores(fill(loop, rows), END, weeks=2) if s.feature == "weight"]
    assert [s.state for s in found] == [State.OK, State.OK]


def test_a_constant_that_changes_is_seen(loop):
    rows = predictions().with_columns(weight=pl.when(pl.col("predicted_at") >= SHIFT).then(6.9).otherwise(7.0))
    found = [s for s in drift_scores(fill(loop, rows), END, weeks=1) if s.feature == "weight"]
    assert found[0].state is State.ALARM


def test_no_data_and_unknown_cohorts(loop):
    assert drift_scores(loop, END) == []
    with pytest.raises(UnknownNameError, match="state"):
        drift_scores(loop, END, cohort="continent")


def test_nothing_later_is_seen(loop):
    rows = predictions()
    early = START + timedelta(days=120)
    before = drift_scores(fill(loop, rows.filter(pl.col("predicted_at") < early)), early)
    later = rows.filter(pl.col("predicted_at") >= early).with_columns(weight=pl.lit(99.0), model_version=pl.lit("old"))

    def arrive(tx):
        tx.register("later", later.drop("chance"))
        tx.execute(f"insert into {loop.table('predictions')} by name from later")

    loop.lake.write(arrive, actor="ana", message="later")
    assert drift_scores(loop, early) == before
