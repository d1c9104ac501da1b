"""What it takes to run trials somewhere: one at a time here, or many at once elsewhere."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from loop_core.retrain.apart import Evaluator, TrialFailedError
from loop_core.retrain.objective import Evaluation, PrunedError, Watch

State = Literal["complete", "pruned", "fail"]


@dataclass(frozen=True)
class Task:
    """One trial, as it is sent to where it runs."""

    number: int
    """Of the trial in its search."""
    params: Mapping[str, float | int]
    bounds: Mapping[int, float]
    """Folds done → the mean objective above which the trial is given up; empty: too early to tell."""
    seconds: float
    """Wall-clock seconds after which it is of no use to the search any more."""


@dataclass(frozen=True)
class Outcome:
    """How a trial ended."""

    number: int
    state: State
    seen: tuple[float, ...] = ()
    """Mean objective after 1, 2, … folds, all but the last."""
    evaluation: Evaluation | None = None
    """None: it is not complete."""
    reason: str = ""
    """Why it failed."""
    seconds: float = 0.0
    """Wall clock of the evaluation."""
    worker: str = ""
    """Address of the worker that ran it; empty: it ran on this machine."""


class Executor(Protocol):
    """Where trials run. Its user keeps up to `width` of them going and takes the outcomes as they come."""

    @property
    def width(self) -> int:
        """How many trials can run now, at least 1; changes as workers come and go."""
        ...

    def submit(self, task: Task) -> None:
        """Hand over a trial."""
        ...

    def wait(self, watch: Watch) -> Outcome:
        """The next outcome of a trial that was handed over.

        Args:
            watch: called many times a second.

        Raises:
            OutOfTimeError: by `watch`, or because a trial's seconds are over.
            Exception: whatever else `watch` raised.
            NotReadyError: the place where trials run is gone.
        """
        ...

    def drop(self) -> None:
        """Forget trials without an outcome, and end them soon."""
        ...


def outcome_of(evaluator: Evaluator, task: Task, watch: Watch, worker: str = "") -> Outcome:
    """Run a trial to its outcome, whichever that is.

    Raises:
        Exception: whatever `watch` raised.
    """
    seen: list[float] = []
    began = time.monotonic()

    def report(folds: int, value: float) -> bool:
        seen.append(value)
        # The median rule: its best mean so far is worse than what half of the complete trials had by then (Golovin et
        # al. 2017, Google Vizier). NaN is worse, too.
        return folds in task.bounds and not min(seen) <= task.bounds[folds]

    def ended(state: State, evaluation: Evaluation | None = None, reason: str = "") -> Outcome:
        return Outcome(task.number, state, tuple(seen), evaluation, reason, time.monotonic() - began, worker)

    try:
        watch()
        return ended("complete", evaluator.evaluate(task.params, report=report, watch=watch))
    except PrunedError:
        return ended("pruned")
    except TrialFailedError as error:
        return ended("fail", reason=str(error))
