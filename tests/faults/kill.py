"""Start a step of work in a process of its own and kill it with -9 at a chosen moment."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Outcome:
    """How a step ended."""

    acknowledged: bool
    """It said `done` before it died."""
    seconds: float
    """From the start of the work to its end or its death."""


def run_step(workspace: Path, step: str, *arguments: str, kill_after: float | None) -> Outcome:
    """Run `tests.faults.steps STEP` and kill it `kill_after` seconds after its work began; None: let it finish."""
    command = [sys.executable, "-m", "tests.faults.steps", str(workspace), step, *arguments]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]
    )
    assert process.stdout is not None
    assert process.stdin is not None
    ready = process.stdout.readline().strip()
    assert ready == "ready", ready
    process.stdin.write("go\n")
    process.stdin.flush()
    begun = time.monotonic()
    if kill_after is not None:
        try:
            process.wait(kill_after)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
    said = process.stdout.read().split()
    process.wait()
    process.stdin.close()
    process.stdout.close()
    return Outcome("done" in said, time.monotonic() - begun)
