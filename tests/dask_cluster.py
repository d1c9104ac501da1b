"""A Dask scheduler and workers in processes of their own, that live as long as a test needs them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
from distributed import Client

ROOT = Path(__file__).parents[1]
QUIET = {"DASK_DISTRIBUTED__ADMIN__TICK__LIMIT": "1h", "PYTHONDONTWRITEBYTECODE": "1"}


@dataclass(frozen=True)
class DaskCluster:
    """A running one."""

    address: str
    """`dask://127.0.0.1:PORT`."""
    scheduler: subprocess.Popen[bytes]

    def pids(self) -> dict[str, int]:
        """Worker's address → its process, of those that run now."""
        with Client(self.address.replace("dask", "tcp"), set_as_default=False) as client:
            found: dict[str, int] = client.run(os.getpid)
        return found

    def kill_scheduler(self) -> None:
        """Without a word."""
        self.scheduler.kill()


@contextmanager
def cluster(folder: Path, workers: int) -> Iterator[DaskCluster]:
    """Start a scheduler on a free loopback port, and so many workers of one thread, each under a nanny."""
    contact = folder / "scheduler.json"
    with (folder / "log").open("w") as log:
        started = [_start("scheduler", "--host", "127.0.0.1", "--port", "0", "--scheduler-file", contact, log=log)]
        try:
            address = _address(contact, started[0])
            at = ("--host", "127.0.0.1", "--nthreads", "1", "--local-directory", folder)
            started += [_start("worker", address, *at, log=log) for _ in range(workers)]
            if workers:
                with Client(address, set_as_default=False) as client:
                    client.wait_for_workers(workers, timeout=60)
            yield DaskCluster(address.replace("tcp", "dask"), started[0])
        finally:
            _kill(started)


def _address(contact: Path, scheduler: subprocess.Popen[bytes]) -> str:
    """What a scheduler wrote of itself, once it is written: for a moment the file is there and empty."""
    while True:
        with suppress(FileNotFoundError, json.JSONDecodeError):
            found: str = json.loads(contact.read_text())["address"]
            return found
        assert scheduler.poll() is None, f"the scheduler ended; see {contact.parent / 'log'}"
        time.sleep(0.05)


def _kill(started: list[subprocess.Popen[bytes]]) -> None:
    """These and what they started, at once: a nanny takes seconds to say goodbye."""
    below = [child for process in started for child in _children(process.pid)]
    for process in (*started, *below):
        with suppress(psutil.NoSuchProcess):
            process.kill()
    for one in started:
        one.wait()


def _children(pid: int) -> list[psutil.Process]:
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def _start(kind: str, *options: object, log: object) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", f"distributed.cli.dask_{kind}", "--no-dashboard", *map(str, options)]
    return subprocess.Popen(command, cwd=ROOT, env=os.environ | QUIET, stdout=log, stderr=log)  # type: ignore[call-overload]
