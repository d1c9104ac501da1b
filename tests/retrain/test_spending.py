"""What a retrain took is on record, and a month has an end."""

from __future__ import annotations

import time
from datetime import timedelta

import polars as pl
import pytest

from loop_core.errors import NotReadyError, StoppedError
from loop_core.models import registered
from loop_core.retrain import Budget, retrain, spending
from loop_core.retrain.study import Search
from loop_core.workspace import Workspace
from tests.retrain.synthetic import CHARTER, END, insert, parcels, rows

LIMITED = CHARTER.replace("[retrain]", "[retrain]\nmonth_seconds = 100")


def test_a_retrain_is_on_record_with_what_it_took(workspace: Workspace) -> None:
    loop = parcels(workspace, n=1500)
    result = retrain(loop, as_of=END, actor="ana", seed=1, budget=Budget(2, 90))
    (one,) = spending(loop, END)
    assert (one.as_of, one.granted, one.trials, one.version) == (END, 90, 2, result.version)
    assert 0 < one.seconds < 90
    assert spending(loop, END + timedelta(days=40)) == [], "another month"
    assert spending(loop, END + timedelta(days=40), since=END) == [one]


def test_one_that_came_to_nothing_is_on_record_too(workspace: Workspace) -> None:
    loop = parcels(workspace, n=1500)
    with pytest.raises(NotReadyError):
        retrain(loop, as_of=END, actor="ana", seed=1, budget=Budget(2, 0.01))
    (one,) = spending(loop, END)
    assert (one.version, one.trials) == (None, 0)
    assert one.seconds > 0


def test_a_search_that_is_made_again_on_newer_data_keeps_what_the_old_one_took(workspace: Workspace) -> None:
    loop = parcels(workspace, n=1500)
    retrain(loop, as_of=END, actor="ana", seed=1, budget=Budget(1, 600))
    insert(loop, rows(60, seed=5).with_columns(pl.format("q{}", "prediction_id").alias("prediction_id")))
    retrain(loop, as_of=END, actor="ana", seed=1, budget=Budget(1, 600))
    both = spending(loop, END)
    assert len(both) == 2
    assert all(one.seconds > 0 and one.trials == 1 for one in both)
    assert both[0].version != both[1].version


def test_a_kill_is_not_free(workspace: Workspace) -> None:
    loop, seen = parcels(workspace, n=1500), []

    def look(share: float, sentence: str) -> None:
        seen.append(sum(one.seconds for one in spending(loop, END)))

    retrain(loop, as_of=END, actor="ana", seed=1, budget=Budget(3, 600), progress=look)
    assert seen == sorted(seen)
    assert 0 < seen[2] < seen[-1], "on record after each trial, not only in the end"


def test_what_a_stopped_run_took_stays_on_record_when_it_goes_on(workspace: Workspace) -> None:
    loop, said, seen = parcels(workspace, n=1500), list[str](), list[float]()

    def slow(share: float, sentence: str) -> None:
        said.append(sentence)
        if sentence.startswith("Looking"):
            time.sleep(1.0)  # as if reading took so long: no part of any trial

    def look(share: float, sentence: str) -> None:
        (one,) = spending(loop, END)
        seen.append(one.seconds)

    asked = {"as_of": END, "actor": "ana", "seed": 1, "budget": Budget(3, 600)}
    with pytest.raises(StoppedError):
        retrain(loop, **asked, progress=slow, should_stop=lambda: "Trial 1" in str(said))
    (stopped,) = spending(loop, END)
    assert (stopped.version, stopped.trials) == (None, 1)
    retrain(loop, **asked, progress=look)
    assert 1.0 < stopped.seconds < seen[0], "both runs together"
    assert seen == sorted(seen)


def test_the_budget_holds_for_all_runs_together(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    loop = parcels(workspace, n=1500)
    monkeypatch.setattr(Search, "noted_seconds", 600.0)
    with pytest.raises(NotReadyError, match="was spent before a model"):
        retrain(loop, as_of=END, actor="ana", seed=1, budget=Budget(1, 600))


def test_a_month_that_is_spent_refuses_before_anything_is_computed(workspace: Workspace) -> None:
    loop = parcels(workspace, n=1500, charter=LIMITED)
    with pytest.raises(NotReadyError, match="at most 100 s a month"):
        retrain(loop, as_of=END, actor="ana", seed=1, budget=Budget(2, 101))
    assert registered(loop, END) == []
    retrain(loop, as_of=END, actor="ana", seed=1, budget=Budget(1, 99.9))
    for moment, seed in ((END + timedelta(hours=1), 1), (END, 2)):
        with pytest.raises(NotReadyError, match="took"):
            retrain(loop, as_of=moment, actor="ana", seed=seed, budget=Budget(1, 99.9))
    later = END + timedelta(days=31)
    assert retrain(loop, as_of=later, actor="ana", seed=1, budget=Budget(1, 99.9)).version


def test_a_run_that_ends_in_an_error_is_charged_its_trials_alone(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop = parcels(workspace, n=1500)

    def breaks(*_: object) -> None:
        raise OSError("no process")

    with monkeypatch.context() as broken:
        broken.setattr("loop_core.retrain.apart.Apart._start", breaks)
        with pytest.raises(OSError, match="no process"):
            retrain(loop, as_of=END, actor="ana", seed=1, budget=Budget(2, 600))
    (one,) = spending(loop, END)
    assert (one.seconds, one.trials) == (0.0, 0)
