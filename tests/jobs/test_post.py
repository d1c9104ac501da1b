"""Alerts are sent beside the jobs, and what goes wrong there ends no worker."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import timedelta

import pytest

from loop_core.alerts import MessageStatus, messages
from loop_core.clock import now
from loop_core.jobs import Worker
from loop_core.jobs.post import postman
from loop_core.workspace import Loop, Workspace
from tests.alerts.made import WEEK, cycle, finding, kinds, live
from tests.alerts.receivers import webhook


def wait(until: Callable[[], bool], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not until():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


def test_a_worker_sends_while_it_waits_for_jobs(workspace: Workspace, loop: Loop) -> None:
    with webhook() as hook:
        (workspace.path / "alerts.toml").write_text(f'[hook]\nurl = "{hook.url}"\n')
        cycle(live(loop), now(), finding(window_start=now() - WEEK, window_end=now()))
        worker = Worker(workspace)
        thread = threading.Thread(target=worker.run)
        thread.start()
        wait(lambda: messages(workspace)[0].status is MessageStatus.SENT)
        worker.shut_down()
        thread.join()
    assert len(hook.taken) == 1


def test_nobody_acknowledged_and_the_worker_escalates(workspace: Workspace, loop: Loop) -> None:
    long_ago = now() - timedelta(days=5)
    cycle(live(loop), long_ago, finding(window_start=long_ago - WEEK, window_end=long_ago))
    with postman(workspace, every=0.05):
        wait(lambda: kinds(loop) == ["raised", "escalated"])
    assert loop.entries("alert.escalated")[0].actor == "policy:escalate"


def test_a_broken_file_ends_no_worker_and_what_waits_is_sent_later(
    workspace: Workspace, loop: Loop, caplog: pytest.LogCaptureFixture
) -> None:
    with webhook() as hook:
        file = workspace.path / "alerts.toml"
        file.write_text(f'[hook]\nurl = "{hook.url}"\n')
        cycle(live(loop), now(), finding(window_start=now() - WEEK, window_end=now()))
        file.write_text("[hook")
        with postman(workspace, every=0.05):
            wait(lambda: "alerts.toml cannot be read" in caplog.text)
            file.write_text(f'[hook]\nurl = "{hook.url}"\n')
            wait(lambda: len(hook.taken) == 1)
            wait(lambda: messages(workspace)[0].status is MessageStatus.SENT)
