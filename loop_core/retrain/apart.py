"""Trials in a process of their own: whatever one does, hang or eat memory, it can be ended, and the search goes on.

The search itself (what to try, what to give up, what to store) stays where it was; the process only trains.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from multiprocessing.connection import Connection, wait
from types import TracebackType
from typing import Any, Protocol, TypeVar

from loop_core.errors import NotReadyError
from loop_core.interpreter import import_failure, own_processes
from loop_core.retrain.objective import Evaluation, PrunedError, Report, Watch

T = TypeVar("T")
#: How often a running trial is looked at, seconds.
GLANCE = 0.05


class Evaluator(Protocol):
    """What a trial is worth; `Objective` in a loop."""

    def evaluate(
        self, params: Mapping[str, Any], *, report: Report | None = None, watch: Watch | None = None
    ) -> Evaluation:
        """See `Objective.evaluate`."""
        ...


class TrialFailedError(Exception):
    """A trial that could not be finished, and why; never leaves this stage."""


class Apart:
    """An evaluator whose work is done by a process that can be ended.

    The process is started with the first call, and anew after one that had to be ended. It costs half a second once a
    program for the imports, and then the copying of the rows.
    """

    def __init__(self, evaluator: Evaluator, memory_mb: int | None = None, imports: Sequence[str] = ()) -> None:
        """
        Args:
            evaluator: does the work; it is sent to the process, so it and what it refers to can be pickled.
            memory_mb: what the process may allocate beyond what it starts with; None: no limit.
            imports: modules that the running program consists of, so that they are imported once, not for each process.
        """
        self.evaluator, self.memory_mb, self.imports = evaluator, memory_mb, imports
        self._process: multiprocessing.process.BaseProcess | None = None
        self._pipe: Connection | None = None

    def __enter__(self) -> Apart:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.end()

    def start(self, watch: Watch | None = None) -> None:
        """Start the process now, so that the next call takes only its own time.

        Raises:
            TrialFailedError: it ended.
            NotReadyError: it cannot be started.
            Exception: whatever `watch` raised.
        """
        self._ask(_nothing, (), None, watch)

    def evaluate(
        self, params: Mapping[str, Any], *, report: Report | None = None, watch: Watch | None = None
    ) -> Evaluation:
        """As the evaluator's own; `report` and `watch` are asked in this process.

        Raises:
            PrunedError: `report` gave the trial up.
            TrialFailedError: it ran out of memory, or its process ended.
            Exception: whatever `watch` raised; the process is ended then.
        """
        found: Evaluation = self._ask(_evaluated, (dict(params),), report, watch)
        return found

    def call(self, function: Callable[..., T], *args: Any, watch: Watch | None = None) -> T:
        """`function(evaluator, *args)` in the process, with the same limits."""
        found: T = self._ask(_called, (function, args), None, watch)
        return found

    def end(self) -> None:
        """End the process, whatever it does."""
        if self._process is not None:
            self._process.kill()
            self._process.join()
        if self._pipe is not None:
            self._pipe.close()
        self._process = self._pipe = None

    def _ask(self, work: Callable[..., Any], args: tuple[Any, ...], report: Report | None, watch: Watch | None) -> Any:
        pipe = self._pipe or self._start()
        try:
            pipe.send((work, args))
            return self._answer(pipe, report, watch)
        except (EOFError, OSError):
            code = self._process.exitcode if self._process else None
            self.end()
            raise TrialFailedError(f"its process ended ({code})") from None
        except (PrunedError, TrialFailedError):
            raise
        except BaseException:
            self.end()
            raise

    def _answer(self, pipe: Connection, report: Report | None, watch: Watch | None) -> Any:
        while True:
            # Looked at before each answer too: quick answers would go by unwatched.
            answered = False
            while not answered:
                if watch:
                    watch()
                answered = pipe.poll(GLANCE)
            kind, said = pipe.recv()
            if kind == "folds":
                pipe.send(bool(report and report(*said)))
            elif kind == "done":
                return said
            elif kind == "pruned":
                raise PrunedError("The trial was given up after its first folds")
            else:
                raise TrialFailedError(str(said))

    def _start(self) -> Connection:
        # Forked from a clean process that has done the imports: this one has threads, which a fork would lose.
        context = multiprocessing.get_context("forkserver")
        modules = ["loop_core.retrain.apart", "lightgbm", *self.imports]
        context.set_forkserver_preload(modules)
        ours, theirs = context.Pipe()
        process = context.Process(target=_work, args=(theirs, self.evaluator, self.memory_mb), daemon=True)
        try:
            with own_processes():
                process.start()
        except (EOFError, OSError) as error:
            ours.close()
            why = import_failure(modules) or str(error) or type(error).__name__
            raise NotReadyError(
                f"No process for trials can be started on this machine ({why})",
                todo="mend what it says, and start the retrain again",
            ) from None
        finally:
            theirs.close()
        self._process, self._pipe = process, ours
        return ours


def _work(pipe: Connection, evaluator: Evaluator, memory_mb: int | None) -> None:
    """What the process does: one call after another until nobody asks any more."""
    _end_with_parent()
    if memory_mb is not None:
        _limit_memory(memory_mb)
    with contextlib.suppress(EOFError, OSError, KeyboardInterrupt):
        while True:
            work, args = pipe.recv()
            pipe.send(_outcome(pipe, evaluator, work, args))


def _end_with_parent() -> None:
    """However the one who asks ends, killed or not, a trial that hangs does not outlive it."""
    parent = multiprocessing.parent_process()

    def look() -> None:
        if parent is not None:
            wait([parent.sentinel])
            os._exit(1)

    threading.Thread(target=look, daemon=True, name="ends-with-parent").start()


def _outcome(pipe: Connection, evaluator: Evaluator, work: Callable[..., Any], args: tuple[Any, ...]) -> Any:
    try:
        return "done", work(pipe, evaluator, *args)
    except PrunedError:
        return "pruned", None
    except MemoryError:
        return "failed", "it ran out of the memory that the charter allows (retrain.memory_mb)"
    except Exception as error:
        # Whatever a trial stumbles over, the next one may not.
        text = str(error).strip() or type(error).__name__
        memory = "bad_alloc" in text
        return "failed", "it ran out of the memory that the charter allows (retrain.memory_mb)" if memory else text


def _nothing(pipe: Connection, evaluator: Evaluator) -> None:
    """It answers: it runs."""


def _evaluated(pipe: Connection, evaluator: Evaluator, params: Mapping[str, Any]) -> Evaluation:
    def report(folds: int, value: float) -> bool:
        pipe.send(("folds", (folds, value)))
        return bool(pipe.recv())

    return evaluator.evaluate(params, report=report)


def _called(pipe: Connection, evaluator: Evaluator, function: Callable[..., Any], args: tuple[Any, ...]) -> Any:
    return function(evaluator, *args)


def _limit_memory(megabytes: int) -> None:
    """So much more than now; the system refuses what goes beyond. Where it knows no such limit, there is none."""
    import resource
    from pathlib import Path

    try:
        used = int(Path("/proc/self/statm").read_text().split()[5]) * resource.getpagesize()
        most = used + megabytes * 1_000_000
        resource.setrlimit(resource.RLIMIT_DATA, (most, most))
    except (OSError, ValueError):
        return
