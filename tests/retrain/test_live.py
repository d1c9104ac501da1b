"""A search is seen from outside while it runs."""

from __future__ import annotations

from datetime import timedelta

import pytest

from loop_core import charts
from loop_core.errors import StoppedError
from loop_core.retrain import Budget, bootstrap, live_search, retrain
from loop_core.workspace import Workspace
from tests.retrain.synthetic import END, START, parcels

BUDGET = Budget(8, 300)


def test_trials_appear_one_by_one_and_stay(workspace: Workspace) -> None:
    loop = parcels(workspace, n=1500)
    assert live_search(loop, END, seed=1, budget=BUDGET) is None
    seen: list[int] = []

    def look(share: float, sentence: str) -> None:
        found = live_search(loop, END, seed=1, budget=BUDGET)
        seen.append(len(found.trials) if found else -1)

    with pytest.raises(StoppedError):
        retrain(loop, as_of=END, actor="ana", seed=1, budget=BUDGET, progress=look, should_stop=lambda: 3 in seen)
    assert seen[-1] == 3
    result = retrain(loop, as_of=END, actor="ana", seed=1, budget=BUDGET)
    found = live_search(loop, END, seed=1, budget=BUDGET)
    assert found.champion_value is None, "there is no champion"
    assert [(t.number, t.state) for t in found.trials] == [(t.number, t.state) for t in result.history]
    assert found.best.value == result.value
    assert [t.best for t in found.trials if t.best] == sorted((t.best for t in found.trials if t.best), reverse=True)
    assert all(t.seconds > 0 and t.began_at for t in found.trials)
    complete = sum(t.state == "complete" for t in found.trials)
    assert (sum(found.importance.values()) == pytest.approx(1)) if complete >= 6 else found.importance == {}
    assert charts.trial_history(found).to_dict()["description"].startswith("8 trials of a search")
    assert charts.parameter_importance({"num_leaves": 0.7, "learning_rate": 0.3}).to_dict()


def test_other_arguments_are_another_search(workspace: Workspace) -> None:
    loop = parcels(workspace, n=1500)
    retrain(loop, as_of=END, actor="ana", seed=1, budget=Budget(1, 300))
    assert live_search(loop, END, seed=2, budget=Budget(1, 300)) is None


def test_the_champions_value_is_seen_where_there_is_one(workspace: Workspace) -> None:
    loop, then = parcels(workspace, n=1500), START + timedelta(days=120)
    first = bootstrap(loop, until=then, as_of=then, actor="ana", seed=3)
    loop.ledger.append(kind="release.promoted", loop=loop.name, subject=first, actor="ana", as_of=then)
    result = retrain(loop, as_of=END, actor="ana", seed=1, budget=Budget(1, 300))
    found = live_search(loop, END, seed=1, budget=Budget(1, 300))
    assert found.champion_value == result.champion_value == result.history[0].value
