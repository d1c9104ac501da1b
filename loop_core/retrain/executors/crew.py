"""The far side of `dask`: what a Dask worker holds of one search, and how it runs a trial of it."""

from __future__ import annotations

import importlib.metadata
import multiprocessing
import time
import weakref
from collections.abc import Mapping
from typing import Any

from loop_core.retrain.apart import Apart, Evaluator, TrialFailedError
from loop_core.retrain.clock import OutOfTimeError
from loop_core.retrain.executors.base import Outcome, Task, outcome_of
from loop_core.retrain.objective import Watch

_LIBRARIES = ("lightgbm", "loopbench", "numpy", "optuna")


class Crew:
    """A search's rows, and the processes that train on them; one object in each worker, for as long as the search lives.

    A trial runs in a process of its own, so that one that hangs is ended and its worker is free again.
    """

    def __init__(self, evaluator: Evaluator, memory_mb: int | None) -> None:
        """
        Args:
            evaluator: does the work; it is sent to the workers and there to processes, so it can be pickled.
            memory_mb: as for `Apart`, for each process.
        """
        self.__setstate__({"evaluator": evaluator, "memory_mb": memory_mb, "libraries": libraries()})

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "_idle"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.evaluator: Evaluator = state["evaluator"]
        self.memory_mb: int | None = state["memory_mb"]
        self.libraries: Mapping[str, str] = state["libraries"]
        """Library → version where the search runs."""
        self._idle: list[Apart] = []
        # The worker forgets this object when the search ends or its process is gone; the processes go with it.
        weakref.finalize(self, _end, self._idle)

    def run(self, task: Task) -> Outcome | None:
        """The outcome of a trial; None: its seconds are over, or nobody waits for it any more."""
        from distributed import get_worker

        worker = get_worker()
        if unlike := differing(self.libraries, libraries()):
            return Outcome(task.number, "fail", reason=f"{worker.address} has {unlike}", worker=worker.address)
        # A nanny's worker is marked as one that may have no children; it ends with its nanny all the same, and
        # these end with it (see `apart`).
        multiprocessing.current_process()._config["daemon"] = False  # type: ignore[attr-defined]
        apart = self._idle.pop() if self._idle else Apart(self.evaluator, self.memory_mb, imports=("distributed",))
        watch = _wanted(worker, task.seconds)
        try:
            apart.start(watch)
            return outcome_of(apart, task, watch, worker.address)
        except OutOfTimeError:
            return None
        except TrialFailedError as error:
            return Outcome(task.number, "fail", reason=str(error), worker=worker.address)
        finally:
            self._idle.append(apart)


def run(crew: Crew, task: Task) -> Outcome | None:
    """What is sent to a worker."""
    return crew.run(task)


def libraries() -> dict[str, str]:
    """Library → version here, of those that decide what a trial is worth; asked of every worker."""
    return {name: importlib.metadata.version(name) for name in _LIBRARIES}


def differing(wanted: Mapping[str, str], found: Mapping[str, str]) -> str:
    """`lightgbm 4.6.0 (4.7.0 is wanted), …`; empty: all are the same."""
    unlike = [name for name in wanted if found.get(name) != wanted[name]]
    return ", ".join(f"{name} {found.get(name, 'missing')} ({wanted[name]} is wanted)" for name in unlike)


def _wanted(worker: Any, seconds: float) -> Watch:
    """Raises by the call when the seconds are over or the search has let this task go: it was stopped, has ended, or
    its process is gone."""
    key, ends = worker.get_current_task(), time.monotonic() + seconds

    def look() -> None:
        # Dask cannot interrupt a running task, but its worker knows whether somebody still waits for the result.
        task = worker.state.tasks.get(key)
        if time.monotonic() > ends or task is None or task.state not in ("executing", "long-running"):
            raise OutOfTimeError

    return look


def _end(idle: list[Apart]) -> None:
    for apart in idle:
        apart.end()
