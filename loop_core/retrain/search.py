"""Optuna asks, LightGBM answers: trials until the budget is spent, the champion's parameters first."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from loop_core.errors import RefusedError
from loop_core.retrain.apart import Evaluator, TrialFailedError
from loop_core.retrain.clock import Clock, OutOfTimeError
from loop_core.retrain.executors import Executor, Local, Outcome, Task
from loop_core.retrain.objective import Evaluation
from loop_core.retrain.study import Search, TrialView

if TYPE_CHECKING:
    from optuna import Trial

#: Share done (0..1) and a sentence.
Progress = Callable[[float, str], None]
ShouldStop = Callable[[], bool]
Params = dict[str, float | int]
#: Of the time that is left when a search begins, so much is kept for the refit at the least.
RESERVED_SHARE = 0.1


@dataclass(frozen=True)
class Budget:
    """What a retrain may spend: whichever ends first. Where the seconds end it, the outcome depends on the machine;
    equal runs give equal models only as long as the trials end it."""

    trials: int
    """Trials, pruned ones included; at least 1."""
    seconds: float
    """Wall-clock seconds of everything, reading and refit included."""

    def __post_init__(self) -> None:
        if self.trials < 1 or not 0 < self.seconds < math.inf:
            raise RefusedError(
                f"A budget of {self.trials} trials and {self.seconds:g} s",
                "at least 1 trial, and more than 0 s but not for ever",
                "correct it",
            )


@dataclass(frozen=True)
class Found:
    """What a search ends with."""

    params: Params
    """The best trial's."""
    evaluation: Evaluation
    """Of the best trial, on all folds."""
    first_value: float | None
    """Objective of the first trial, i.e. of the champion's parameters; None: it had no time to finish."""
    trials: tuple[TrialView, ...]


@dataclass(frozen=True)
class Limits:
    """When a search ends."""

    trials: int
    """Trials, pruned and failed ones included."""
    clock: Clock
    """Of the whole retrain; a share is kept for the refit."""
    patience: int | None = None
    """Complete trials without a better one after which no improvement is expected; None: it goes on."""

    @property
    def reserve(self) -> float:
        """Seconds kept for the refit while no trial has shown how long one takes."""
        return RESERVED_SHARE * max(0.0, self.clock.left)


def search(
    study: Search,
    evaluator: Evaluator,
    limits: Limits,
    first: Sequence[Params],
    *,
    executor: Executor | None = None,
    progress: Progress | None = None,
) -> Found | None:
    """Run trials until a limit is reached, and evaluate the best again if its fold scores are not at hand.

    Args:
        study: where trials are stored; those already there count.
        evaluator: what a trial is worth.
        limits: when to end.
        first: parameters to try before any sampling, most trusted first.
        executor: where trials run; None: here, one after another.
        progress: called between trials.

    Returns:
        The best, or None when not even one trial could finish in time.

    Raises:
        StoppedError: on request. Finished trials stay stored.
        NotReadyError: the place where trials run is gone. Finished trials stay stored.
    """
    executor = executor or Local(evaluator)
    kept: dict[int, Evaluation] = {}
    # The refit trains one model on all rows, a trial one for each fold on most of them: it takes no longer.
    reserve = limits.reserve
    running: dict[int, Trial] = {}
    try:
        while not study.stagnant(limits.patience):
            while len(running) < min(executor.width, limits.trials - len(study.finished)):
                trial = study.ask(next((params for params in first if not study.tried(params)), None))
                running[trial.number] = trial
                executor.submit(Task(trial.number, trial.params, study.bounds(), limits.clock.left - reserve))
            if not running:
                break
            outcome = executor.wait(limits.clock.watch(reserve))
            _settle(study, running.pop(outcome.number), outcome, kept)
            reserve = max(reserve, outcome.seconds)
            if progress:
                done = len(study.finished)
                progress(done / limits.trials, _sentence(study, done, limits))
    except OutOfTimeError:
        pass
    finally:
        executor.drop()
    return _found(study, evaluator, kept, limits, first)


def _settle(study: Search, trial: Trial, outcome: Outcome, kept: dict[int, Evaluation]) -> None:
    """Store what became of a trial."""
    for folds, value in enumerate(outcome.seen, 1):
        trial.report(value, folds)
    if outcome.worker:
        trial.set_user_attr("worker", outcome.worker)
    if outcome.evaluation is not None:
        study.tell(trial, outcome.evaluation.value)
        kept[trial.number] = outcome.evaluation
    elif outcome.state == "pruned":
        study.tell(trial, None)
    else:
        study.tell_failed(trial, outcome.reason)


def _found(
    study: Search, evaluator: Evaluator, kept: dict[int, Evaluation], limits: Limits, first: Sequence[Params]
) -> Found | None:
    best = study.best()
    if best is None:
        return None
    # A trial of an earlier, killed run left its value but not its fold scores.
    evaluation = kept.get(best.number)
    if evaluation is None:
        try:
            evaluation = evaluator.evaluate(best.params, watch=limits.clock.watch())
        except (OutOfTimeError, TrialFailedError):
            return None
    views = study.views()
    champion = [view.value for view in views if view.state == "complete" and first and view.params == first[0]]
    return Found(dict(best.params), evaluation, champion[0] if champion else None, views)


def _sentence(study: Search, done: int, limits: Limits) -> str:
    best = study.best()
    left = f", {max(0, limits.clock.left):.0f} s left"
    return f"Trial {done} of {limits.trials}" + (f", best objective {best.value:.5f}" if best else "") + left
