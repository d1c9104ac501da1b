"""Have a step of work done in a process of its own, and kill that process with -9 at a chosen moment."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Outcome:
    """How a step ended."""

    acknowledged: bool
    """It said `done` before it died."""
    seconds: float
    """From the start of the work to its end or its death."""


class Steps:
    """The program `tests.faults.steps`, which does one step after the other."""

    def __init__(self, program: subprocess.Popen[str]) -> None:
        self._program = program

    def run(self, workspace: Path, step: str, argument: str, *, kill_after: float | None = None) -> Outcome:
        """Do a step, and kill it `kill_after` seconds after its work began; None: let it finish."""
        assert self._program.stdin is not None
        self._program.stdin.write(json.dumps([str(workspace), step, argument]) + "\n")
        self._program.stdin.flush()
        word, pid = self._read().split()
        assert word == "ready"
        begun = time.monotonic()
        timer = threading.Timer(kill_after or 0, _kill, [int(pid)])
        if kill_after is not None:
            timer.start()
        said = [self._read()]
        while said[-1] != "ended":
            said.append(self._read())
        timer.cancel()
        return Outcome("done" in said, time.monotonic() - begun)

    def _read(self) -> str:
        assert self._program.stdout is not None
        return self._program.stdout.readline().strip()


@contextmanager
def steps() -> Iterator[Steps]:
    """Start the program; end it afterwards."""
    command = [sys.executable, "-m", "tests.faults.steps"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]
    ) as program:
        yield Steps(program)
        assert program.stdin is not None
        program.stdin.close()


def _kill(pid: int) -> None:
    with suppress(ProcessLookupError):  # it was done first
        os.kill(pid, signal.SIGKILL)
