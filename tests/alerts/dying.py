"""Raises an alert and kills itself after its message is written and before the transaction is committed.

A program of its own: what reads and writes the lake does not survive a fork.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

from loop_core.alerts import outbox, raising
from loop_core.clock import now
from loop_core.workspace import Workspace
from tests.alerts.made import WEEK, cycle, finding


def enqueue_and_die(*arguments: Any) -> None:
    outbox.enqueue(*arguments)
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    raising.enqueue = enqueue_and_die  # type: ignore[assignment]
    with Workspace.open(sys.argv[1]) as workspace:
        moment = now()
        cycle(workspace.loop("orders"), moment, finding(window_start=moment - WEEK, window_end=moment))
