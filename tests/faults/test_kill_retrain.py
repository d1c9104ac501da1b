"""kill -9 of the worker at random points of a retrain: another worker goes on from the finished trials, and one model comes
of it, the same as if nothing had happened."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from loop_core.doctor import examine
from loop_core.jobs import JobStatus, enqueue, list_jobs
from loop_core.models import ModelStore, registered
from loop_core.retrain import Budget, LiveSearch, RetrainResult, live_search, retrain
from loop_core.workspace import Loop, Workspace
from tests.retrain.synthetic import END, parcels

KILLS = 20 if os.environ.get("LOOPBENCH_FAULTS") == "long" else 1
TRIALS = 5
WORK = """
import sys, time
from pathlib import Path
from loop_core.jobs.worker import Worker
from loop_core.workspace import Workspace
with Workspace.open(Path(sys.argv[1])) as workspace:
    print("open", flush=True)
    worker, until = Worker(workspace, lease_seconds=1.5), time.monotonic() + 60
    # A job that a dead worker left is free when its lease is over.
    while not worker.run(once=True) and time.monotonic() < until:
        time.sleep(0.2)
"""


def work(path: Path, kill_when: Callable[[], bool] = lambda: False) -> None:
    """Run a worker until it did a job, or kill it at the moment it is time to."""
    root = Path(__file__).parents[2]
    with subprocess.Popen([sys.executable, "-c", WORK, str(path)], stdout=subprocess.PIPE, cwd=root) as program:
        assert program.stdout is not None
        assert program.stdout.readline() == b"open\n"
        while program.poll() is None:
            if kill_when():
                program.kill()
            time.sleep(0.03)


def search(loop: Loop, seed: int) -> LiveSearch | None:
    return live_search(loop, END, seed=seed, budget=Budget(TRIALS, 600))


def values(found: LiveSearch | None) -> list[tuple[int, str, float | None]]:
    return [(t.number, t.state, t.value) for t in found.trials] if found else []


def values_of(result: RetrainResult) -> list[tuple[int, str, float | None]]:
    return [(t.number, t.state, t.value) for t in result.history]


def _reached(loop: Loop, seed: int, trials: int, pause: float) -> bool:
    if len(values(search(loop, seed))) < trials:
        return False
    time.sleep(pause)
    return True


@pytest.mark.faults
def test_a_killed_retrain_goes_on_where_it_was(workspace: Workspace, tmp_path: Path) -> None:
    loop, rng, hit = parcels(workspace, n=900), random.Random(1), 0
    # Made anew, not copied: who closes a file of a database it has open loses its locks on it, and then its writes.
    with Workspace.create(tmp_path / "quiet") as quiet:
        parcels(quiet, n=900)
    asked = {"trials": TRIALS, "seconds": 600, "as_of": END.isoformat()}
    for seed in range(1, KILLS + 1):
        enqueue(workspace, loop.name, "retrain", {**asked, "seed": seed}, "ana")
        before = len(registered(loop, END))
        # Between any two trials, within one, or while the model is fitted and packaged.
        trials, pause = rng.randrange(1, TRIALS + 1), rng.uniform(0, 0.15)
        work(workspace.path, partial(_reached, loop, seed, trials, pause))
        left = values(search(loop, seed))
        newest = list_jobs(workspace, loop=loop.name)[0]
        if newest.status is not JobStatus.DONE:
            hit += 1
            assert len(registered(loop, END)) in (before, before + 1)
            work(workspace.path)
        job = list_jobs(workspace, loop=loop.name)[0]
        assert (job.status, job.error) == (JobStatus.DONE, None)
        found = values(search(loop, seed))
        assert found[: len(left)] == left, "a finished trial was lost"
        assert [number for number, *_ in found] == list(range(TRIALS)), "none twice, none missing"
        assert len(registered(loop, END)) == before + 1
        with Workspace.open(tmp_path / "quiet") as quiet:
            as_if = retrain(quiet.loop(loop.name), as_of=END, actor="ana", seed=seed, budget=Budget(TRIALS, 600.0))
        assert job.result is not None
        assert (job.result["version"], found) == (as_if.version, values_of(as_if)), "as if nothing had happened"
    assert hit > 0, "no kill hit the work; the timing of this test is off"
    versions = {view.version for view in registered(loop, END)}
    assert versions == set(ModelStore(workspace).versions()), "no model without its entry, no entry without its model"
    assert [check for check in examine(workspace, wall=END) if check.state == "broken"] == []
