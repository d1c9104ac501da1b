"""Rows count as the charter says."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from loop_core.charter import parse_charter
from loop_core.errors import CharterError
from loop_core.retrain.weighting import weights_of
from tests.retrain.synthetic import CHARTER, START, rows


def plan(text: str):
    return parse_charter(CHARTER.replace("[retrain]", f"[retrain]\n{text}"))


def frame(n: int = 400) -> pl.DataFrame:
    return rows(n).with_columns(cohort_state=pl.col("state"))


def test_without_a_word_every_row_counts_the_same() -> None:
    assert weights_of(parse_charter(CHARTER), frame()) is None


def test_a_row_one_half_life_older_counts_half() -> None:
    some = frame(2).with_columns(predicted_at=pl.Series([START, START + timedelta(days=30)]))
    old, new = weights_of(plan("half_life_days = 30"), some.cast({"predicted_at": pl.Datetime("us", "UTC")}))
    assert old / new == pytest.approx(0.5)


def test_cohorts_and_classes_count_as_declared_and_the_mean_is_one() -> None:
    some = frame()
    weights = weights_of(plan("cohort_weights = { state = { BA = 3, RJ = 2 } }"), some)
    state, label = some["state"].to_numpy(), some["label"].to_numpy()
    assert weights.mean() == pytest.approx(1)
    assert weights[state == "BA"][0] / weights[state == "SP"][0] == pytest.approx(3)
    balanced = weights_of(plan("balanced = true"), some)
    assert balanced[label == 1].sum() == pytest.approx(balanced[label == 0].sum())
    both = weights_of(plan("balanced = true\ncohort_weights = { state = { BA = 3 } }"), some)
    assert np.unique(both.round(9)).size == 4


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("cohort_weights = { region = { north = 2 } }", "no declared cohort"),
        ("cohort_weights = { state = { BA = 0 } }", "greater than 0"),
        ("half_life_days = 0", "greater than or equal to 1"),
        ("memory_mb = 10", "greater than or equal to 200"),
    ],
)
def test_weights_that_mean_nothing_are_refused(text: str, said: str) -> None:
    with pytest.raises(CharterError, match=said):
        plan(text)


def test_costs_make_a_threshold_of_yes_no_models_only() -> None:
    assert parse_charter(CHARTER + "[costs]\nfalse_alarm = 1\nmiss = 4\n").threshold == pytest.approx(0.2)
    numbers = CHARTER.replace('positive = "late"', 'task = "regression"').replace('"log_loss"', '"mae"')
    with pytest.raises(CharterError, match="yes/no model"):
        parse_charter(numbers + "[costs]\nfalse_alarm = 1\nmiss = 4\n")
