"""What it takes to run trials somewhere: one at a time here, or many at once elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from loop_core.retrain.apart import Evaluator, TrialFailedError
from loop_core.retrain.objective import Evaluation, PrunedError, Watch


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
    state: Literal["complete", "pruned", "fail"]
    seen: tuple[float, ...] = ()
    """Mean objective after 1, 2, … folds, all but the last."""
    evaluation: Evaluation | None = None
    """None: it is not complete."""
    reason: str = ""
    """Why it failed."""
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

    def report(folds: int, value: float) -> bool:
        seen.append(value)
        # The median rule: even its best fold mean is worse than half of the complete trials were at this point
        # (Golovin et al. 2017, Google Vizier). NaN is worse, too.
        return folds in task.bounds and not min(seen) <= task.bounds[folds]

    try:
        watch()
        evaluation = evaluator.evaluate(task.params, report=report, watch=watch)
    except PrunedError:
        return Outcome(task.number, "pruned", tuple(seen), worker=worker)
    except TrialFailedError as error:
        return Outcome(task.number, "fail", tuple(seen), reason=str(error), worker=worker)
    return Outcome(task.number, "complete", tuple(seen), evaluation, worker=worker)
