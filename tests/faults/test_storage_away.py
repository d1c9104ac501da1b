"""The team's PostgreSQL is away while a worker retrains: the job goes on when it is back, and nothing is lost."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from loop_core.doctor import examine
from loop_core.jobs import JobStatus, Worker, enqueue, list_jobs
from loop_core.jobs import worker as module
from loop_core.models import ModelStore, registered
from loop_core.retrain import Budget, live_search
from loop_core.workspace import Workspace
from tests.postgres import cluster, fresh_database
from tests.retrain.synthetic import END, parcels

LONG = os.environ.get("LOOPBENCH_FAULTS") == "long"
AWAY_SECONDS = 60.0 if LONG else 4.0
TRIALS = 12


@pytest.mark.faults
@pytest.mark.postgres
def test_a_retrain_outlasts_storage_that_is_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not LONG:
        monkeypatch.setattr(module, "STORAGE_PAUSE_SECONDS", 1.5)
    with cluster(tmp_path) as postgres:
        catalog = fresh_database(postgres.address)
        with Workspace.create(tmp_path / "w", catalog=catalog, data=str(tmp_path / "data")) as workspace:
            loop = parcels(workspace, n=1500)
            params = {"as_of": END.isoformat(), "trials": TRIALS, "seconds": 600, "seed": 0}
            enqueue(workspace, loop.name, "retrain", params, "ana")
            worker = Worker(workspace, lease_seconds=30.0 if LONG else 2.0)
            thread = threading.Thread(target=worker.run, kwargs={"poll_seconds": 0.2})
            thread.start()
            try:
                until(lambda: finished(workspace) >= 2)
                postgres.stop()
                time.sleep(AWAY_SECONDS)
                postgres.start()
                kept = finished(workspace)
                assert kept >= 2
                until(lambda: list_jobs(workspace, loop=loop.name)[0].status in (JobStatus.DONE, JobStatus.FAILED))
            finally:
                worker.shut_down()
                thread.join()
            (job,) = list_jobs(workspace, loop=loop.name)
            assert (job.status, job.error) == (JobStatus.DONE, None)
            found = live_search(loop, END, seed=0, budget=Budget(TRIALS, 600))
            assert found is not None
            assert [trial.number for trial in found.trials] == list(range(TRIALS)), "none lost, none twice"
            assert [view.version for view in registered(loop, END)] == list(ModelStore(workspace).versions())
            assert [check for check in examine(workspace, wall=END) if check.state == "broken"] == []


def finished(workspace: Workspace) -> int:
    found = live_search(workspace.loop("parcels"), END, seed=0, budget=Budget(TRIALS, 600))
    return len(found.trials) if found else 0


def until(holds: Callable[[], bool], seconds: float = 240) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.05)
