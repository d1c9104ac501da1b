"""The gates are tried: equal models are seldom blocked, a planted harm has the size it should, and large ones are caught."""

from __future__ import annotations

import sys
from datetime import datetime

import numpy as np
import pytest

from loop_core.compare import Pairs, compare, latest_selftest, selftest
from loop_core.compare.harm import harmed
from loop_core.errors import NotReadyError, RefusedError, UnknownNameError
from loop_core.monitor.losses import ROW_LOSSES, of_mean
from loop_core.monitor.units import Units
from loop_core.vocabulary import Task
from loop_core.workspace import Loop

ROWS = np.arange(100, 400)


def world(task: Task, n: int = 1000) -> Pairs:
    rng = np.random.default_rng(1)
    if task is Task.REGRESSION:
        labels = rng.normal(10, 3, n)
        return Pairs(labels, labels + rng.normal(0, 1, n), labels + rng.normal(0, 1, n), Units(None, n))
    chance = rng.dirichlet((2, 1, 1), n)
    labels = np.array([rng.choice(3, p=p) for p in chance]).astype(float)
    if task is Task.MULTICLASS:
        return Pairs(labels, chance, chance, Units(None, n))
    return Pairs((labels == 0).astype(float), chance[:, 0], chance[:, 0], Units(None, n))


@pytest.mark.parametrize(
    ("task", "metric"),
    [
        (Task.BINARY, "log_loss"),
        (Task.BINARY, "brier"),
        (Task.MULTICLASS, "log_loss"),
        (Task.REGRESSION, "mae"),
        (Task.REGRESSION, "rmse"),
    ],
)
@pytest.mark.parametrize("amount", [0.01, 0.05])
def test_a_harm_has_the_size_it_should_and_stays_where_it_is_planted(task: Task, metric: str, amount: float) -> None:
    pairs, loss = world(task), ROW_LOSSES[metric]
    after = harmed(pairs, ROWS, metric, amount, task, seed=3)
    before, now = (float(of_mean(metric, loss(p.labels, p.challenger)[ROWS].mean())[0]) for p in (pairs, after))
    assert now - before == pytest.approx(amount, abs=1e-4)
    outside = np.setdiff1d(np.arange(len(pairs)), ROWS)
    assert (after.challenger[outside] == pairs.challenger[outside]).all()
    if task is not Task.REGRESSION:
        assert ((after.challenger > 0) & (after.challenger < 1)).all()
    if task is Task.MULTICLASS:
        assert after.challenger.sum(axis=1) == pytest.approx(1)


def test_equal_models_are_seldom_blocked_and_large_harms_are(duel: Loop, end: datetime) -> None:
    found = selftest(duel, end, challenger="good", runs=100, harm_runs=10)
    # At most 5 % is what the gates promise; 11 of 100 would be as rare as 1 in 100 then.
    assert found.blocked <= 10
    assert found.false_block[1] <= found.false_block[0] <= found.false_block[2]
    assert found.n == 4000
    for value in ("SP", "RJ"):
        mine = [harm for harm in found.harms if harm.cohort_value == value]
        assert [harm.margins for harm in mine] == [0.5, 1, 2, 4]
        assert mine[-1].blocked > mine[0].blocked
        assert all(0 <= harm.blocked + harm.let_through <= 1 for harm in mine)
        caught = found.smallest_caught("state", value)
        assert caught is None or 0 < caught <= mine[-1].harm
    assert "equal models" in found.sentence


def test_a_harm_ten_times_what_noise_is_is_always_blocked(
    duel: Loop, end: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules[selftest.__module__], "LEVELS", (40.0,))
    found = selftest(duel, end, challenger="good", runs=20, harm_runs=5)
    assert [harm.blocked for harm in found.harms] == [1.0, 1.0]
    assert [harm.let_through for harm in found.harms] == [0.0, 0.0]


def test_the_same_seed_tries_the_same_and_the_record_says_what_was_found(duel: Loop, end: datetime) -> None:
    compare(duel, "good", as_of=end, actor="ana")
    assert latest_selftest(duel, end) is None
    first = selftest(duel, end, runs=20, harm_runs=2, actor="ana")
    assert first.challenger == "good", "the one that was compared last"
    assert selftest(duel, end, runs=20, harm_runs=2, actor="ana") == first
    assert latest_selftest(duel, end) == first
    assert len(duel.entries("selftest.made")) == 1
    assert selftest(duel, end, runs=20, harm_runs=2, seed=1) != first


def test_what_cannot_be_tried_is_said(duel: Loop, end: datetime) -> None:
    with pytest.raises(NotReadyError, match="compare a challenger first"):
        selftest(duel, end)
    with pytest.raises(NotReadyError, match="no two models"):
        selftest(duel, end, challenger="old")
    with pytest.raises(RefusedError, match="at least 20"):
        selftest(duel, end, challenger="good", runs=0)
    with pytest.raises(UnknownNameError):
        selftest(duel, end, challenger="nobody")
