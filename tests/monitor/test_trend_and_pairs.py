"""Performance beyond one window and one cohort: the trend, pairs, small groups, repeated entities, odd input."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import log_loss

from loop_core.charter import MonitorPlan
from loop_core.errors import UnknownNameError
from loop_core.monitor import performance
from loop_core.monitor.check_performance import _chances, _rise, _series, check_cohorts
from loop_core.monitor.groups import Group
from loop_core.monitor.many import measure
from loop_core.monitor.monitor import monitor
from loop_core.monitor.shrink import shrink
from loop_core.vocabulary import State
from tests.conftest import CHARTER, START
from tests.monitor.world import DAYS, fill, outcomes, predictions

END = START + timedelta(days=DAYS)
LATER = END + timedelta(days=21)
SIZES = "\n[[cohorts]]\nname = \"size\"\nexpression = \"case when weight > 0 then 'heavy' else 'light' end\"\nmin_rows = 50\n"


def test_the_trend_is_the_windows_together(loop):
    rows = predictions()
    labels = outcomes(rows)
    fill(loop, rows, labels)
    points = performance(loop, LATER, weeks=10, trend=True)
    short, long = ([p for p in points if p.length_days == days] for days in (7, 28))
    assert len(short) == len(long) == 7
    last = long[-5]
    part = rows.join(labels, on="prediction_id").filter(
        pl.col("predicted_at").is_between(last.window_start, last.window_end, closed="left")
    )
    assert (last.window_end - last.window_start).days == 28
    assert last.value == pytest.approx(log_loss(part["label"], part["score"]), abs=1e-12)
    assert last.ci_high - last.ci_low < 0.7 * (short[-5].ci_high - short[-5].ci_low)


def test_a_window_is_judged_by_those_before_it_even_if_they_are_not_shown(loop):
    rows = predictions()
    worse = rows["predicted_at"] >= END - timedelta(days=14)
    fill(
        loop,
        rows,
        outcomes(rows.with_columns(chance=pl.when(worse).then(1 - pl.col("chance")).otherwise(pl.col("chance")))),
    )
    at = END + timedelta(days=10)
    shown = performance(loop, at, weeks=3)
    assert [p.state for p in shown] == [p.state for p in performance(loop, at)][-len(shown) :]
    assert State.ALARM in {p.state for p in shown}


def test_pairs_of_cohorts_with_small_ones_shrunk(loop):
    loop = loop.workspace.set_charter(CHARTER + SIZES, actor="ana", reason="sizes", as_of=START)
    rows = predictions()
    fill(loop, rows, outcomes(rows))
    pair = performance(loop, LATER, cohort="state × size")
    for same in (("state", "size"), "state*size"):
        assert [p.value for p in performance(loop, LATER, cohort=same)] == pytest.approx([p.value for p in pair])
    assert {p.cohort_value for p in pair} == {f"{s} × {w}" for s in ("SP", "RJ", "BA") for w in ("heavy", "light")}
    assert {p.cohort for p in pair} == {"state × size"}
    small = [p for p in pair if p.small]
    assert {p.cohort_value[:2] for p in small} >= {"BA"}
    assert all(p.state is State.TOO_FEW for p in small if p.mature_share == 1)
    window = [p for p in pair if p.window_start == small[40].window_start and p.value is not None]
    assert np.std([p.shrunk for p in window]) < np.std([p.value for p in window])
    with pytest.raises(UnknownNameError, match="size"):
        performance(loop, LATER, cohort="state × age")
    with pytest.raises(UnknownNameError):
        performance(loop, LATER, cohort="state × size × state")


def test_shrinking_moves_the_unsure_and_its_intervals_cover():
    rng = np.random.default_rng(0)
    hits = 0
    for _ in range(200):
        truth, errors = rng.normal(0.5, 0.1, 20), rng.uniform(0.02, 0.3, 20)
        found = shrink(rng.normal(truth, errors), errors)
        hits += sum(f.ci_low <= t <= f.ci_high for f, t in zip(found, truth, strict=True))
    assert 0.9 < hits / 4000 < 0.98
    assert [round(s.value, 6) for s in shrink([0.3], [0.1])] == [0.3]
    assert shrink([0.1, 0.9], [0.0, 0.0])[1].value == pytest.approx(0.9)


def test_rows_of_one_entity_are_one_witness():
    rng, covered, naive = np.random.default_rng(0), [0, 0], 0
    pool = rng.normal(0, 1, 4_000)
    for _ in range(200):
        who = rng.integers(0, 4_000, 60)
        codes = np.repeat(np.arange(1, 61), 10).astype(np.uint64)
        chance = 1 / (1 + np.exp(-np.repeat(pool[who], 10)))
        # An entity's rows share their label: ten rows say one thing.
        labels = np.repeat((rng.random(60) < chance[::10]).astype(float), 10)
        group = Group(np.full(600, 0.5) + 0.3 * (chance - 0.5), labels, codes, 600, 600, frozenset())
        alone = Group(group.scores, labels, None, 600, 600, frozenset())
        truth = 1 / (1 + np.exp(-pool))
        said = 0.5 + 0.3 * (truth - 0.5)
        true_brier = float((truth * (1 - said) ** 2 + (1 - truth) * said**2).mean())
        for place, one in enumerate((group, alone)):
            low, high = measure(("brier",), one)["brier"].interval
            covered[place] += low <= true_brier <= high
        naive += measure(("auc",), alone)["auc"].se < 0.6 * measure(("auc",), group)["auc"].se
    assert covered[0] >= 182
    assert covered[1] < 130
    assert naive > 190


def test_complete_but_small_windows_are_too_few_and_not_pending(loop):
    rows = predictions()[::10]
    fill(loop, rows, outcomes(rows))
    states = {p.state for p in performance(loop, END + timedelta(days=70))}
    assert states == {State.TOO_FEW}
    found = [f for f in monitor(loop, END + timedelta(days=70)) if f.code == "performance.log_loss"]
    assert [f.state for f in found] == [State.TOO_FEW]
    assert "no more will come" in found[0].sentence


def test_a_cohort_that_got_worse_is_a_finding_and_quiet_ones_are_not(loop):
    rows = predictions()
    worse = (rows["predicted_at"] >= END - timedelta(days=14)) & (rows["state"] == "RJ")
    fill(
        loop,
        rows,
        outcomes(rows.with_columns(chance=pl.when(worse).then(1 - pl.col("chance")).otherwise(pl.col("chance")))),
    )
    at = END + timedelta(days=9)
    found = [f for f in monitor(loop, at) if f.stage == "performance" and f.cohort]
    assert [(f.cohort, f.cohort_value, f.state) for f in found] == [("state", "RJ", State.ALARM)]
    assert found[0].impact > 0.05
    assert "state is RJ" in found[0].sentence
    assert "performance(" in found[0].evidence


def test_quiet_cohorts_speak_within_their_tenth_of_the_budget():
    from tests.monitor.quiet import quiet_points

    plan = MonitorPlan()
    found = sum(len(list(check_cohorts(quiet_points(seed), {"log_loss": 0.02}, plan))) for seed in range(100))
    expected = 100 * plan.window_days / 30.436875 * 0.1 * plan.false_alarms_per_month
    assert found <= expected + 3 * expected**0.5


@pytest.mark.parametrize(("metric", "n"), [("log_loss", 60), ("log_loss", 500), ("auc", 200), ("brier", 100)])
def test_chances_of_a_worse_cohort_are_never_too_small(metric, n):
    from tests.monitor.quiet import quiet_cohorts

    points = quiet_cohorts(np.random.default_rng(n), metric, n, 600, 9)
    chances = np.array(_chances([one for series in _series(points) if (one := _rise(series)) is not None]))
    assert len(chances) > 400
    for level in (0.05, 0.01, 0.0025):
        assert (chances <= level).sum() <= level * len(chances) + 3 * (level * len(chances)) ** 0.5


def test_odd_input_has_a_stated_outcome(loop):
    rows = predictions()
    early = outcomes(rows).with_columns(
        # Labels before their predictions, and from a clock that runs ahead.
        observed_at=pl.when(pl.int_range(pl.len()) % 2 == 0)
        .then(pl.col("observed_at") - pl.duration(days=30))
        .otherwise(pl.col("observed_at") + pl.duration(days=400))
    )
    constant = rows.with_columns(score=pl.when(pl.col("state") == "BA").then(None).otherwise(pl.lit(0.3)))
    fill(loop, constant, early)
    points = performance(loop, END, cohort="state", metrics=["auc", "log_loss"])
    # Scores that are all null leave their cohort out; constant ones rank nothing, and say so by an AUC of a half.
    assert {p.cohort_value for p in points} == {"SP", "RJ"}
    later = performance(loop, END + timedelta(days=70), metrics=["auc"])
    assert {p.value for p in later if p.value is not None} == {0.5}
    # A clock that was moved back sees what was known then.
    assert {p.window_end for p in performance(loop, START + timedelta(days=20))} <= {
        START + timedelta(days=d) for d in range(28)
    }
