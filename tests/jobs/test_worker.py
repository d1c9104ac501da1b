"""The worker: runs, reports, stops, shuts down, and is replaced when it is killed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from loop_core.errors import NotReadyError, StoppedError, StorageError
from loop_core.jobs import JobStatus, JobView, Worker, enqueue, job, stop
from loop_core.jobs import worker as module
from loop_core.jobs.kinds import KINDS
from loop_core.workspace import Loop, Workspace

Act = Callable[[Callable[[float, str], None], Callable[[], bool]], dict[str, Any]]


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BEAT_SECONDS", 0.05)
    monkeypatch.setattr(module, "PAUSE_SECONDS", 0.05)
    monkeypatch.setattr(module, "STORAGE_PAUSE_SECONDS", 0.05)


def put(loop: Loop, **params: Any) -> int:
    return enqueue(loop.workspace, loop.name, "retrain", params, "ana")


def worker(loop: Loop, act: Act, **options: Any) -> Worker:
    def body(ws: Workspace, params: Mapping[str, Any], progress: Any, should_stop: Any) -> dict[str, Any]:
        assert (params["loop"], params["actor"]) == (loop.name, "ana")
        return act(progress, should_stop)

    return Worker(loop.workspace, kinds={"retrain": body}, **options)


def until(condition: Callable[[], Any], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.02)


def looping(progress: Callable[[float, str], None], should_stop: Callable[[], bool]) -> dict[str, Any]:
    progress(0.5, "half way")
    while not should_stop():
        time.sleep(0.01)
    raise StoppedError("stopped")


def running(target: Worker) -> threading.Thread:
    thread = threading.Thread(target=target.run, kwargs={"poll_seconds": 0.02})
    thread.start()
    return thread


def test_it_runs_what_waits_and_keeps_the_result(loop: Loop) -> None:
    numbers = [put(loop, seed=index) for index in range(3)]
    assert worker(loop, lambda progress, should_stop: {"answer": 42}).run(once=True) == 3
    seen = [job(loop.workspace, number) for number in numbers]
    assert all((view.status, view.result, view.progress) == (JobStatus.DONE, {"answer": 42}, 1.0) for view in seen)


def test_progress_is_seen_while_it_runs_and_stop_ends_it(loop: Loop) -> None:
    ws, number = loop.workspace, put(loop)
    target = worker(loop, looping)
    thread = running(target)
    until(lambda: job(ws, number).message == "half way")
    assert job(ws, number).progress == 0.5
    stop(ws, number, actor="ben")
    until(lambda: job(ws, number).status is JobStatus.STOPPED)
    target.shut_down()
    thread.join(10)
    assert not thread.is_alive()


def test_the_lease_of_long_work_is_renewed(loop: Loop) -> None:
    ws, number = loop.workspace, put(loop)
    target = worker(loop, looping, lease_seconds=1.0)
    thread = running(target)
    until(lambda: job(ws, number).status is JobStatus.RUNNING)
    time.sleep(1.5)
    assert worker(loop, looping).run(once=True) == 0
    assert job(ws, number).attempts == 1
    target.shut_down()
    thread.join(10)


def test_shutting_down_gives_the_job_back(loop: Loop) -> None:
    ws, number = loop.workspace, put(loop)
    target = worker(loop, looping)
    thread = running(target)
    until(lambda: job(ws, number).message == "half way")
    target.shut_down()
    thread.join(10)
    seen = job(ws, number)
    assert (seen.status, seen.attempts) == (JobStatus.QUEUED, 0)


def _raising(error: Exception, times: int = 10**6) -> tuple[Act, list[int]]:
    calls: list[int] = []

    def act(progress: Any, should_stop: Any) -> dict[str, Any]:
        calls.append(1)
        if len(calls) <= times:
            raise error
        return {}

    return act, calls


def _work_off(target: Worker, view: Callable[[], JobView]) -> JobView:
    until(lambda: target.run(once=True) >= 0 and not view().open)
    return view()


def test_what_stays_wrong_is_not_tried_again(loop: Loop) -> None:
    number = put(loop)
    act, calls = _raising(NotReadyError("No label has matured", "labels", "wait"))
    seen = _work_off(worker(loop, act), lambda: job(loop.workspace, number))
    assert (seen.status, len(calls)) == (JobStatus.FAILED, 1)
    assert seen.error == "No label has matured. Wanted: labels. To do: wait."


@pytest.mark.parametrize("error", [ValueError("odd"), StorageError("the disk is away")])
def test_what_may_pass_is_tried_again_until_the_attempts_are_used_up(loop: Loop, error: Exception) -> None:
    number = put(loop)
    act, calls = _raising(error)
    seen = _work_off(worker(loop, act), lambda: job(loop.workspace, number))
    assert (seen.status, len(calls), seen.message) == (JobStatus.FAILED, 3, "Failed after 3 attempts")
    assert str(error).rstrip(".") in (seen.error or "")


def test_a_second_attempt_may_succeed(loop: Loop) -> None:
    number = put(loop)
    act, _ = _raising(ValueError("odd"), times=1)
    assert _work_off(worker(loop, act), lambda: job(loop.workspace, number)).status is JobStatus.DONE


def test_every_kind_of_job_has_a_body() -> None:
    assert set(KINDS) == {
        "retrain",
        "compare",
        "selftest",
        "rivals",
        "tradeoff",
        "bootstrap",
        "cycle",
        "replay",
        "demo",
        "evidently",
        "policies",
        "forecast",
    }
