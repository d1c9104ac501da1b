"""Trials on this machine, one after another: the same search gives the same trials in the same order."""

from __future__ import annotations

from loop_core.retrain.apart import Evaluator
from loop_core.retrain.executors.base import Outcome, Task, outcome_of
from loop_core.retrain.objective import Watch


class Local:
    """Runs a trial when its outcome is asked for."""

    width = 1

    def __init__(self, evaluator: Evaluator) -> None:
        """
        Args:
            evaluator: does the work; `Apart`, where a trial must be ended whatever it does.
        """
        self._evaluator = evaluator
        self._task: Task | None = None

    def submit(self, task: Task) -> None:
        """See `Executor.submit`."""
        self._task = task

    def wait(self, watch: Watch) -> Outcome:
        """See `Executor.wait`."""
        if self._task is None:
            raise ValueError("no trial was submitted")
        task, self._task = self._task, None
        return outcome_of(self._evaluator, task, watch)

    def drop(self) -> None:
        """See `Executor.drop`; what was running ended with the `wait` that raised."""
        self._task = None
