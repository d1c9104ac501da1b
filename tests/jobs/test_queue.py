"""The queue: durable, fair, one worker a job, leases that end."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest

from loop_core.errors import RefusedError, UnknownNameError
from loop_core.jobs import JobStatus, claim, enqueue, fail, finish, heartbeat, job, list_jobs, retry, stop
from loop_core.jobs.lease import give_back
from loop_core.workspace import Loop, Workspace
from tests.conftest import CHARTER, START

NOW = datetime(2030, 1, 1, tzinfo=UTC)
LATER = NOW + timedelta(minutes=1)


def put(loop: Loop, **params: object) -> int:
    return enqueue(loop.workspace, loop.name, "retrain", params, "ana")


def test_a_job_waits_and_pins_its_instant(loop: Loop) -> None:
    seen = job(loop.workspace, put(loop, trials=3))
    assert (seen.status, seen.attempts, seen.actor, seen.params["trials"]) == (JobStatus.QUEUED, 0, "ana", 3)
    assert datetime.fromisoformat(seen.params["as_of"]).tzinfo is not None
    assert job(loop.workspace, put(loop, as_of=START)).params == {"as_of": START.isoformat()}


def test_the_same_job_is_not_queued_twice_while_it_is_open(loop: Loop) -> None:
    first = put(loop, as_of=START)
    assert put(loop, as_of=START) == first
    stop(loop.workspace, first)
    assert put(loop, as_of=START) != first


@pytest.mark.parametrize(
    ("name", "kind", "params", "error"),
    [
        ("orders", "nonsense", {}, UnknownNameError),
        ("nobody", "retrain", {}, UnknownNameError),
        ("orders", "retrain", {"x": object()}, RefusedError),
    ],
)
def test_nonsense_is_refused(loop: Loop, name: str, kind: str, params: dict[str, object], error: type) -> None:
    with pytest.raises(error):
        enqueue(loop.workspace, name, kind, params, "ana")
    assert list_jobs(loop.workspace) == []


def test_a_claimed_job_is_its_workers_until_the_lease_ends(loop: Loop) -> None:
    ws = loop.workspace
    first = put(loop)
    taken = claim(ws, "w1", lease_seconds=30, at=NOW)
    assert taken is not None
    assert (taken.id, taken.status, taken.attempts) == (first, JobStatus.RUNNING, 1)
    assert claim(ws, "w2", at=NOW + timedelta(seconds=29)) is None
    assert heartbeat(ws, taken, progress=0.4, message="so far", lease_seconds=30, at=NOW + timedelta(seconds=20))
    assert claim(ws, "w2", at=NOW + timedelta(seconds=45)) is None
    second = claim(ws, "w2", at=LATER)
    assert second is not None
    assert (second.id, second.attempts, second.progress) == (first, 2, 0.4)
    assert "worker died" in second.message


def test_a_worker_that_was_away_too_long_cannot_write_any_more(loop: Loop) -> None:
    ws = loop.workspace
    put(loop)
    old = claim(ws, "w1", at=NOW)
    new = claim(ws, "w1", at=LATER)  # even under the same name
    assert old is not None
    assert new is not None
    assert heartbeat(ws, old, progress=0.9, message="late") is None
    assert finish(ws, old, {"version": "old"}) is None
    assert fail(ws, old, "late") is None
    done = finish(ws, new, {"version": "new"})
    assert done is not None
    assert (done.status, done.result, done.progress) == (JobStatus.DONE, {"version": "new"}, 1.0)


def test_after_the_last_attempt_a_dead_workers_job_is_failed_and_says_why(loop: Loop) -> None:
    ws = loop.workspace
    number = put(loop)
    for attempt in range(3):
        assert claim(ws, "w", at=NOW + attempt * timedelta(minutes=1)) is not None
    assert claim(ws, "w", at=NOW + timedelta(hours=1)) is None
    seen = job(ws, number)
    assert seen.status is JobStatus.FAILED
    assert "killed on every attempt" in (seen.error or "")


def test_loops_take_turns(workspace: Workspace) -> None:
    loops = [
        workspace.set_charter(CHARTER.replace("orders", name), actor="a", reason="", as_of=START) for name in "abc"
    ]
    for index in range(4):
        put(loops[0], seed=index)
    for other in loops[1:]:
        put(other, seed=0)
        put(other, seed=1)
    order = []
    for second in range(8):
        taken = claim(workspace, "w", at=NOW + timedelta(seconds=second))
        assert taken is not None
        order.append(taken.loop)
        finish(workspace, taken, {})
    assert order == list("abcabcaa")


def test_a_loop_with_a_running_job_waits_for_the_others(workspace: Workspace) -> None:
    for name in "ab":
        loop = workspace.set_charter(CHARTER.replace("orders", name), actor="a", reason="", as_of=START)
        for index in range(2):
            put(loop, seed=index)
    taken = [claim(workspace, f"w{i}", at=NOW) for i in range(4)]
    assert [view.loop for view in taken if view] == ["a", "b", "a", "b"]


def test_a_waiting_job_is_stopped_at_once_and_a_running_one_is_asked(loop: Loop) -> None:
    ws = loop.workspace
    waiting, running = put(loop, seed=2), put(loop, seed=1)
    taken = claim(ws, "w", at=NOW)
    assert taken is not None
    assert taken.id == waiting
    assert stop(ws, running, actor="ben").status is JobStatus.STOPPED
    assert stop(ws, taken.id, actor="ben").stop_requested
    assert job(ws, taken.id).status is JobStatus.RUNNING
    assert claim(ws, "w", at=LATER) is None  # its worker died: nobody takes it over, it is stopped
    assert job(ws, taken.id).status is JobStatus.STOPPED
    with pytest.raises(RefusedError, match="is stopped already"):
        stop(ws, running)


def test_a_failed_job_can_be_tried_again_with_all_its_attempts(loop: Loop) -> None:
    ws = loop.workspace
    number = put(loop)
    taken = claim(ws, "w", at=NOW)
    assert taken is not None
    with pytest.raises(RefusedError, match="is running"):
        retry(ws, number)
    fail(ws, taken, "no labels")
    assert job(ws, number).error == "no labels"
    again = retry(ws, number, actor="ben")
    assert (again.status, again.attempts, again.error) == (JobStatus.QUEUED, 0, None)


def test_a_stopped_job_is_not_queued_beside_its_twin(loop: Loop) -> None:
    ws = loop.workspace
    first = put(loop, as_of=NOW)
    stop(ws, first)
    twin = put(loop, as_of=NOW)
    assert twin != first
    with pytest.raises(RefusedError, match=f"Job {twin} does the same already"):
        retry(ws, first)
    stop(ws, twin)
    assert retry(ws, first).status is JobStatus.QUEUED


def test_a_pause_between_attempts_is_kept(loop: Loop) -> None:
    ws = loop.workspace
    put(loop)
    taken = claim(ws, "w")
    assert taken is not None
    again = fail(ws, taken, "disk away", again_in=3600)
    assert again is not None
    assert again.status is JobStatus.QUEUED
    assert claim(ws, "w") is None
    assert claim(ws, "w", at=datetime.now(UTC) + timedelta(hours=2)) is not None


def test_a_job_given_back_has_lost_no_attempt(loop: Loop) -> None:
    put(loop)
    taken = claim(loop.workspace, "w")
    assert taken is not None
    back = give_back(loop.workspace, taken)
    assert back is not None
    assert (back.status, back.attempts) == (JobStatus.QUEUED, 0)
    assert claim(loop.workspace, "w2") is not None


def race(path: str, workers: int, jobs: int) -> list[int]:
    """Every worker has its own connections and claims until nothing is left; the ids taken."""
    taken: list[int] = []

    def work(name: str) -> None:
        with Workspace.open(path) as own:
            while (found := claim(own, name)) is not None:
                taken.append(found.id)
                finish(own, found, {})

    threads = [threading.Thread(target=work, args=(f"w{index}",)) for index in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(taken)


def test_racing_workers_take_each_job_once(loop: Loop) -> None:
    expected = sorted(put(loop, seed=index) for index in range(20))
    assert race(str(loop.workspace.path), 4, 20) == expected


@pytest.mark.postgres
def test_the_same_race_on_postgresql(database: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    with Workspace.create(tmp_path_factory.mktemp("team") / "w", catalog=database) as ws:
        loop = ws.set_charter(CHARTER, actor="ana", reason="first", as_of=START)
        expected = sorted(put(loop, seed=index) for index in range(20))
        assert race(str(ws.path), 3, 20) == expected
        assert all(seen.status is JobStatus.DONE for seen in list_jobs(ws))
