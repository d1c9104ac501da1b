"""The budget is what a quiet loop spends: the closed forms against simulations."""

from __future__ import annotations

import numpy as np
import pytest

from loop_core.charter import MonitorPlan
from loop_core.monitor.drift.alarm_rule import HIGHEST_LEVEL, SPENT, AlarmRule, corrected
from loop_core.monitor.drift.persistence import levels_for, persistent_chance, persistent_chances


@pytest.mark.parametrize("features", [1, 5, 40, 200])
def test_benjamini_hochberg_spends_the_budget_and_no_more(features):
    rule, runs = AlarmRule(0.23, 1, 1), 4_000
    rng = np.random.default_rng(features)
    alarms = np.array([(corrected(rng.random(features)) <= rule.false_discovery_rate).sum() for _ in range(runs)])
    error = alarms.std() / np.sqrt(runs)
    assert alarms.mean() <= 0.23 + 3 * error
    assert alarms.mean() >= (0.1 if features == 1 else 0.18)


@pytest.mark.parametrize(("times", "of"), [(1, 1), (2, 3), (3, 3), (2, 5)])
@pytest.mark.parametrize("shared", [0.0, 0.1, 0.5])
def test_the_chance_of_persistence_is_what_windows_with_one_reference_show(times, of, shared):
    rng, runs, level = np.random.default_rng(7), 400_000, 0.1
    own, common = rng.normal(size=(runs, of)), rng.normal(size=(runs, 1))
    from scipy.special import ndtri

    over = np.abs(np.sqrt(1 - shared) * own + np.sqrt(shared) * common) > -ndtri(level / 2)
    seen = (over[:, -1] & (over.sum(axis=1) >= times)).mean()
    told = float(persistent_chance(level, shared, times, of))
    assert abs(seen - told) < 4 * np.sqrt(told / runs) + 1e-4
    assert levels_for(np.array([told]), np.array([shared]), times, of) == pytest.approx(level, rel=0.02)
    assert persistent_chances(np.array([level]), np.array([shared]), times, of) == pytest.approx(told, rel=0.02)


def test_evidence_is_never_smaller_than_chance_allows():
    rule = AlarmRule.of_plan(MonitorPlan())
    evidence = rule.evidence(np.random.default_rng(8).random((20_000, 3)), np.zeros((20_000, 3)))[:, -1]
    for level in (0.01, 0.05, 0.2):
        assert (evidence <= level).mean() <= level + 3 * np.sqrt(level / 20_000)


def test_one_far_window_does_not_wait_and_two_of_three_are_enough():
    rule = AlarmRule.of_plan(MonitorPlan())
    none = np.zeros((1, 3))
    far = rule.evidence(np.array([[0.5, 0.5, 1e-6]]), none)[0, -1]
    twice = rule.evidence(np.array([[0.01, 0.5, 0.01]]), none)[0, -1]
    gone = rule.evidence(np.array([[0.01, 0.01, 0.5]]), none)[0, -1]
    assert far == pytest.approx(2e-6)
    assert twice < 0.001 < 0.02 < gone
    assert np.isnan(rule.evidence(np.array([[0.01, 0.01, np.nan]]), none)[0, -1])


def test_the_level_follows_from_budget_features_and_shared_reference():
    rule = AlarmRule.of_plan(MonitorPlan())
    assert rule.per_window == pytest.approx(SPENT * 7 / 30.436875)
    assert _level(rule, 40, 0, 0.07) > _level(rule, 400, 0, 0.07)
    assert _level(rule, 40, 0, 0.07) > _level(rule, 40, 0, 0.5)
    assert _level(rule, 40, 5, 0.07) > _level(rule, 40, 1, 0.07)
    assert _level(rule, 1, 0, 0.07) == HIGHEST_LEVEL
    larger = AlarmRule.of_plan(MonitorPlan(false_alarms_per_month=4))
    assert _level(larger, 40, 0, 0.07) > _level(rule, 40, 0, 0.07)


def _level(rule: AlarmRule, features: int, alarms: int, shared: float) -> float:
    return float(rule.levels([features], [alarms], np.array([[shared]]))[0, 0])
