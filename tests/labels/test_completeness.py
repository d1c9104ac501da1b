"""The curve says what share of labels is known by age, young predictions counting as far as they got."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from loop_core.labels import completeness
from loop_core.monitor import performance
from loop_core.recipes import import_recipe
from loop_core.vocabulary import State
from tests.conftest import START
from tests.monitor.world import DAYS, fill, outcomes, predictions

END = START + timedelta(days=DAYS)


def at(points, age, value=None):
    return next(p for p in points if p.age_days == age and p.cohort_value == value)


def test_young_predictions_do_not_pull_the_curve_down(loop):
    rows = predictions()
    fill(loop, rows, outcomes(rows, late_days=40, on_time_days=3))
    points = completeness(loop, END)
    on_time = 1 - outcomes(rows)["label"].mean()
    assert at(points, 2).share == 0
    assert at(points, 20).share == pytest.approx(on_time, abs=0.01)
    assert at(points, 40).share == pytest.approx(1)
    # The plain share of labels among all predictions is lower: the youngest have had no time.
    assert at(points, 20).ci_low < on_time < at(points, 20).ci_high
    assert [p.age_days for p in points] == list(range(61))
    assert at(points, 0).n > at(points, 30).n > at(points, 60).n


def test_it_equals_kaplan_meier_by_hand(loop):
    rows = (
        predictions()
        .head(6)
        .with_columns(predicted_at=pl.Series([END - timedelta(days=d) for d in (50, 50, 50, 50, 5, 2)]))
    )
    labels = (
        outcomes(rows).head(3).with_columns(observed_at=pl.Series([END - timedelta(days=50 - d) for d in (3, 3, 10)]))
    )
    fill(loop, rows, labels)
    points = completeness(loop, END)
    # Day 3: 2 of the 5 that lived so long; day 10: 1 of the 2 left (the one of age 5 is gone).
    assert at(points, 3).share == pytest.approx(2 / 5)
    assert at(points, 10).share == pytest.approx(1 - 3 / 5 * 1 / 2)
    assert points[-1].age_days == 50
    assert points[-1].horizon_share == at(points, 50).share


def test_odd_clocks_have_a_stated_outcome(loop):
    rows = predictions().head(100)
    early = outcomes(rows).with_columns(observed_at=pl.col("observed_at") - pl.duration(days=30))
    fill(loop, rows, early)
    # A label from before its prediction counts from day 0; from before everything, nothing is known.
    assert at(completeness(loop, END), 0).share == 1
    assert completeness(loop, START) == []
    back = START + timedelta(days=1)
    assert {p.n for p in completeness(loop, back)} <= set(range(101))


def test_interval_covers(loop):
    from loop_core.labels.completeness import _kaplan_meier

    rng, hits, known = np.random.default_rng(0), 0, 1 - np.exp(-10 / 12)
    for _ in range(200):
        delay, age = rng.exponential(12, 300), rng.uniform(0, 60, 300)
        event = np.ceil(delay) <= np.floor(age)
        events = np.bincount(np.ceil(delay[event]).astype(int), minlength=61)[:61].astype(float)
        leaves = np.bincount(np.floor(age[~event]).astype(int), minlength=61)[:61].astype(float)
        _, low, high = _kaplan_meier(events, (events + leaves)[::-1].cumsum()[::-1])
        hits += bool(low[10] <= known <= high[10])
    assert hits >= 183


def test_on_olist_late_orders_are_known_later_than_those_on_time(real_data, workspace):
    import_recipe(workspace, "olist", real_data / "olist_15k", actor="ana", as_of=END.replace(year=2018, month=12))
    loop = workspace.loop("orders")
    as_of = loop.present(END)
    points = completeness(loop, as_of)
    assert at(points, 3).share < 0.2 < 0.45 < at(points, 14).share < 0.8 < at(points, 40).share
    # Asymmetric: of the youngest labelled weeks, far fewer are late than there will be.
    halfway = as_of.replace(month=3, day=20)
    shares = loop.lake.rows(
        f"""select avg(label), avg(label) filter (where observed_at < $now)
            from {loop.table("predictions")} join {loop.table("outcomes")} using (prediction_id)
            where predicted_at between $now - interval 28 day and $now - interval 14 day""",
        {"now": halfway},
    )[0]
    assert shares[1] < 0.7 * shares[0]
    young = [p for p in performance(loop, halfway, weeks=4) if p.window_end > halfway - timedelta(days=14)]
    assert all(p.state is State.PENDING and p.value is None for p in young)
