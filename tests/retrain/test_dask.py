"""Trials of one search on two real Dask workers: stored in PostgreSQL, and nothing a worker does breaks the search."""

from __future__ import annotations

import importlib.metadata
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import optuna
import psutil
import pytest

from loop_core.charter import parse_charter
from loop_core.errors import CharterError, NotReadyError, StoppedError
from loop_core.models import registered
from loop_core.retrain import Budget, RetrainResult, reproduce, retrain, spending
from loop_core.retrain.apart import Apart
from loop_core.retrain.clock import Clock, OutOfTimeError
from loop_core.retrain.executors import Executor, Task, connection, reached
from loop_core.retrain.objective import Evaluation, Report, Watch
from loop_core.retrain.search import Limits, search
from loop_core.retrain.space import DEFAULTS, inside
from loop_core.retrain.studies import stored_study
from loop_core.retrain.study import Search
from loop_core.workspace import Loop, Workspace
from tests.dask_cluster import DaskCluster, cluster
from tests.retrain.synthetic import CHARTER, END, parcels
from tests.retrain.test_apart import HOUR, EndsWhen, Odd, params, study


class Slow(Odd):
    """As `Odd`; from 40 leaves on a trial takes a moment, so that several run at once."""

    def evaluate(
        self, params: Mapping[str, Any], *, report: Report | None = None, watch: Watch | None = None
    ) -> Evaluation:
        if params["num_leaves"] >= 40:
            time.sleep(0.4)
        return super().evaluate(params, report=report, watch=watch)


@pytest.fixture(scope="module")
def workers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaskCluster]:
    with cluster(tmp_path_factory.mktemp("dask"), workers=2) as running:
        yield running


@pytest.fixture
def slow(workers: DaskCluster) -> Iterator[tuple[Apart, Executor]]:
    """`Slow` on the workers, whose processes are started."""
    with reached(workers.address, Clock(HOUR).watch()) as executor_for, Apart(Slow(), memory_mb=500) as apart:
        executor = executor_for(apart)
        assert both(executor) == set(workers.pids())
        yield apart, executor


def both(executor: Executor) -> set[str]:
    """Workers that answer when there is work for two; one that is never free would not be among them."""
    found: set[str] = set()
    for _ in range(20):
        for number in (-1, -2):
            executor.submit(Task(number, params(40), {}, HOUR))
        found |= {executor.wait(Clock(HOUR).watch()).worker for _ in range(2)}
        if len(found) == 2:
            break
    return found


def charter(place: str) -> str:
    return CHARTER.replace("[retrain]", f'[retrain]\nexecutor = "{place}"')


def run(loop: Loop, **changes: Any) -> RetrainResult:
    budget = Budget(trials=10, seconds=HOUR)
    return retrain(loop, **{"as_of": END, "actor": "ana", "seed": 3, "budget": budget, **changes})


def trials_of(ws: Workspace) -> list[optuna.trial.FrozenTrial]:
    """Finished trials of the one search in the workspace's database; none before it has begun."""
    study = stored_study(ws.studies_url, "parcels", {})
    return study.get_trials() if study else []


@pytest.mark.faults
@pytest.mark.postgres
def test_two_workers_share_a_study_on_postgresql_and_a_killed_search_goes_on_with_its_finished_trials(
    workers: DaskCluster, database: str, tmp_path: Path
) -> None:
    with Workspace.create(tmp_path / "w", catalog=database) as opened:
        loop = parcels(opened, charter=charter(workers.address))
        code = f"""if True:
            from loop_core.workspace import Workspace
            from tests.retrain.test_dask import run
            run(Workspace.open({str(tmp_path / "w")!r}).loop("parcels"))"""
        killed = subprocess.Popen([sys.executable, "-c", code], cwd=Path(__file__).parents[2])
        while not trials_of(opened):
            assert killed.poll() is None
            time.sleep(0.05)
        killed.kill()
        killed.wait()
        before = values(opened)
        assert 1 <= len(before) < 10
        assert opened.studies_url.startswith("postgresql")
        result, trials = run(loop), trials_of(opened)
        assert values(opened)[: len(before)] == before
        assert len(trials) == result.trials == 10
        assert {trial.user_attrs["worker"] for trial in trials} == set(workers.pids())
        assert result.value == min(t.value for t in trials if t.state.name == "COMPLETE")
        assert inside(DEFAULTS) in [trial.params for trial in result.history]
        assert reproduce(loop, result.version).same, "what was found elsewhere is built again here"


def values(ws: Workspace) -> list[tuple[Any, ...]]:
    return [(trial.number, trial.params, trial.value) for trial in trials_of(ws)]


@pytest.mark.faults
def test_trials_that_hang_eat_memory_or_die_cost_neither_the_search_nor_its_workers(
    slow: tuple[Apart, Executor], tmp_path: Path
) -> None:
    apart, executor = slow
    tried = [params(n) for n in (4, 20, 5, 6, 7, 12)]
    told: list[str] = []
    clock = EndsWhen(lambda: len(told) >= 5)
    found = search(
        study(tmp_path), apart, Limits(6, clock), tried, executor=executor, progress=lambda _, said: told.append(said)
    )
    assert found is not None, "it came back, and the first trial would have taken an hour"
    said = {trial.params["num_leaves"]: (trial.state, trial.reason) for trial in found.trials}
    assert (said.pop(20), said.pop(12)) == (("complete", ""), ("complete", ""))
    assert "ran out of the memory" in said.pop(5)[1]
    assert "its process ended" in said.pop(6)[1]
    assert said == {7: ("fail", "contradicts itself")}
    assert found.first_value is None, "the champion's parameters hung"
    assert len(both(executor)) == 2, "no worker is busy with what was given up"


@pytest.mark.faults
@pytest.mark.skipif(os.environ.get("LOOPBENCH_FAULTS") != "long", reason="part of `make faults`, the long campaign")
def test_killed_workers_cost_no_trial(workers: DaskCluster, slow: tuple[Apart, Executor], tmp_path: Path) -> None:
    apart, executor = slow
    tried = [params(n) for n in range(47, 39, -1)]
    done, orphans = 0, list[psutil.Process]()

    def kill(share: float, sentence: str) -> None:
        nonlocal done
        done += 1
        victims = list(workers.pids().values())
        # First one of them, which leaves the rows with the other; then all, and the rows must be sent again.
        for pid in victims[:1] if done == 2 else victims if done == 5 else ():
            orphans.extend(psutil.Process(pid).children(recursive=True))
            os.kill(pid, signal.SIGKILL)

    found = search(study(tmp_path), apart, Limits(8, Clock(HOUR)), tried, executor=executor, progress=kill)
    assert found is not None
    assert sorted(trial.params["num_leaves"] for trial in found.trials) == list(range(40, 48))
    assert {trial.state for trial in found.trials} == {"complete"}
    assert len(orphans) >= 3
    while any(one.is_running() and one.status() != psutil.STATUS_ZOMBIE for one in orphans):
        time.sleep(0.05)


def test_a_trial_whose_seconds_are_over_is_ended_where_it_runs(slow: tuple[Apart, Executor]) -> None:
    _, executor = slow
    executor.submit(Task(0, params(4), {}, 0.2))
    with pytest.raises(OutOfTimeError):
        executor.wait(Clock(HOUR).watch())
    executor.drop()
    assert len(both(executor)) == 2, "no worker is busy with it"


def test_a_trial_is_given_up_where_it_runs(slow: tuple[Apart, Executor]) -> None:
    _, executor = slow
    for number, bound in ((0, 20.0), (1, 19.9)):
        executor.submit(Task(number, params(20), {1: bound}, HOUR))
    ends = {one.number: one for one in (executor.wait(Clock(HOUR).watch()) for _ in range(2))}
    assert [ends[n].state for n in (0, 1)] == ["complete", "pruned"]
    assert ends[1].seen == (20.0,)


def test_a_stopped_search_keeps_its_finished_trials(slow: tuple[Apart, Executor], tmp_path: Path) -> None:
    apart, executor = slow
    told: list[str] = []
    clock, tried = Clock(HOUR, lambda: len(told) >= 2), [params(n) for n in (20, 21, 4)]
    with pytest.raises(StoppedError):
        search(
            study(tmp_path),
            apart,
            Limits(3, clock),
            tried,
            executor=executor,
            progress=lambda _, said: told.append(said),
        )
    assert {trial.params["num_leaves"] for trial in study(tmp_path).finished} == {20, 21}
    assert len(both(executor)) == 2


@pytest.mark.faults
@pytest.mark.skipif(os.environ.get("LOOPBENCH_FAULTS") != "long", reason="part of `make faults`, the long campaign")
def test_a_scheduler_that_goes_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "REACH_SECONDS", 2.0)
    with (
        cluster(tmp_path, workers=1) as alone,
        reached(alone.address, Clock(HOUR).watch()) as executor_for,
        Apart(Odd()) as apart,
    ):
        executor = executor_for(apart)
        executor.submit(Task(0, params(4), {}, HOUR))
        alone.kill_scheduler()
        with pytest.raises(NotReadyError, match="went away"):
            executor.wait(Clock(HOUR).watch())


def refused(ws: Workspace, place: str) -> str:
    loop = parcels(ws, charter=charter(place))
    with pytest.raises(NotReadyError) as caught:
        run(loop)
    assert (registered(loop, END), spending(loop, END)) == ([], []), "nothing was begun"
    return str(caught.value)


def test_a_scheduler_that_does_not_answer(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "REACH_SECONDS", 0.5)
    assert "No Dask scheduler answers at dask://127.0.0.1:1" in refused(workspace, "dask://127.0.0.1:1")


def test_a_scheduler_without_workers(workspace: Workspace, tmp_path: Path) -> None:
    with cluster(tmp_path, workers=0) as alone:
        assert "has no workers" in refused(workspace, alone.address)


def test_workers_with_other_libraries(
    workspace: Workspace, workers: DaskCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    true = importlib.metadata.version
    monkeypatch.setattr(importlib.metadata, "version", lambda name: "0.1" if name == "lightgbm" else true(name))
    assert f"has lightgbm {true('lightgbm')} (0.1 is wanted)" in refused(workspace, workers.address)


def test_without_dask(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    assert "Dask is not installed" in refused(workspace, "dask://127.0.0.1:1")


@pytest.mark.parametrize("place", ["dask", "dask://host", "tcp://host:8786", "dask://u:p@host:1", "dask://host:1/x"])
def test_a_place_that_is_none(place: str) -> None:
    with pytest.raises(CharterError, match=r"neither `local` nor `dask://HOST:PORT`"):
        parse_charter(charter(place))


def test_a_search_that_was_interrupted_out_of_order_still_tries_the_champion(tmp_path: Path) -> None:
    """Side by side, a later trial may be stored while the first one is not."""
    begun = study(tmp_path)
    begun.ask(params(20))
    later = begun.ask(params(12))
    begun.tell(later, 12.0)
    resumed = study(tmp_path)
    with Apart(Odd()) as apart:
        found = search(resumed, apart, Limits(2, Clock(HOUR)), [params(20), params(12)])
    assert found is not None
    assert (found.first_value, [t.params["num_leaves"] for t in found.trials]) == (20.0, [12, 20])


def test_a_kill_among_trials_side_by_side_draws_the_lost_one_again_and_none_twice(tmp_path: Path) -> None:
    before = study(tmp_path)
    lost, kept = before.ask(None), before.ask(None)
    before.tell(kept, 1.0)
    after = study(tmp_path)
    drawn = [after.ask(None).params for _ in range(2)]
    assert drawn[0] == lost.params
    assert drawn[1] not in (lost.params, kept.params)


def test_trials_side_by_side_spend_their_time_once(tmp_path: Path) -> None:
    found: Search = study(tmp_path)
    began = time.monotonic()
    trials = [found.ask(params(n)) for n in (20, 21, 22)]
    time.sleep(0.2)
    for trial in trials:
        found.tell(trial, 1.0)
    assert 0.2 <= found.spent() <= time.monotonic() - began
