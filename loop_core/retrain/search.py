"""Optuna asks, LightGBM answers: trials until the budget is spent, given parameters first."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from loop_core.errors import RefusedError
from loop_core.retrain.apart import Evaluator, TrialFailedError
from loop_core.retrain.clock import Clock, OutOfTimeError
from loop_core.retrain.executors import Executor, Local, Outcome, Task
from loop_core.retrain.objective import Evaluation, Watch
from loop_core.retrain.study import Search, TrialView

if TYPE_CHECKING:
    from optuna import Trial

#: Share done (0..1) and a sentence.
Progress = Callable[[float, str], None]
ShouldStop = Callable[[], bool]
Params = dict[str, float | int]
#: Of the time that is left when a search begins, so much is kept for the refit at the least.
RESERVED_SHARE = 0.1
#: The best trial once more may take so many times as long as the longest: its process is started anew, and bins are made.
AGAIN_SCALE = 1.5


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
    """Objective of the parameters that were to be tried first; None: they had no time to finish, or failed."""
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
    refit_scale: float = 1.0
    """How many times as long as a trial the refit may take, at least 1: it trains on all rows, a fold on a part."""
    fit_seconds: float = 0.0
    """What a fit of all rows is expected to take; 0: so little that it was not estimated."""

    @property
    def reserve(self) -> float:
        """Seconds kept for the refit while no trial has shown how long one takes."""
        return max(self.fit_seconds, RESERVED_SHARE * max(0.0, self.clock.left))


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
        study: where trials are stored; those already there count. One that is over runs no more of them.
        evaluator: what a trial is worth.
        limits: when to end.
        first: parameters to try before any sampling, most trusted first.
        executor: where trials run; None: here, one after another.
        progress: called between trials.

    Returns:
        The best, or None when not even one trial could finish in time, or the best could not be evaluated again.

    Raises:
        RefusedError: all trials were run, and every one failed.
        StoppedError: on request. Finished trials stay stored.
        NotReadyError: the place where trials run is gone. Finished trials stay stored.
    """
    executor = executor or Local(evaluator)
    kept: dict[int, Evaluation] = {}
    reserve = _Reserve(limits.reserve, study.longest(), limits.refit_scale)
    running: dict[int, Trial] = {}
    over = study.version is not None
    try:
        while not over and not study.stagnant(limits.patience):
            needed = reserve.seconds(again=_unkept(study, kept))
            while len(running) < min(executor.width, limits.trials - len(study.finished)):
                trial = study.ask(next((params for params in first if not study.tried(params)), None))
                running[trial.number] = trial
                executor.submit(Task(trial.number, trial.params, study.bounds(), limits.clock.left - needed))
            if not running:
                break
            outcome = executor.wait(limits.clock.watch(needed))
            _settle(study, running.pop(outcome.number), outcome, kept)
            reserve.longest = max(reserve.longest, outcome.seconds)
            if progress:
                done = len(study.finished)
                progress(done / limits.trials, _sentence(study, done, limits))
    except OutOfTimeError:
        pass
    finally:
        executor.drop()
    best = study.best()
    if best is None:
        _refuse_failures(study, limits)
        return None
    watch = limits.clock.watch(reserve.seconds(again=False))
    evaluation = kept.get(best.number) or _again(evaluator, best.params, watch)
    if evaluation is None:
        return None
    return Found(dict(best.params), evaluation, _value_of(study, first[0]) if first else None, study.views())


@dataclass
class _Reserve:
    """What a search keeps of its time for what comes after its last trial."""

    least: float
    """Seconds kept for the refit, whatever trials take."""
    longest: float
    """Seconds of the longest trial so far."""
    refit_scale: float
    """See `Limits`."""

    def seconds(self, *, again: bool) -> float:
        """What is to be kept; `again`: the best trial has to be evaluated once more before the refit."""
        # The refit trains one model, a trial one for each fold: on as many rows it takes no longer.
        refit = max(self.least, self.longest * self.refit_scale)
        return refit + AGAIN_SCALE * self.longest if again else refit


def _unkept(study: Search, kept: dict[int, Evaluation]) -> bool:
    """Whether the best trial is one of an earlier, killed run: it left its value but not its fold scores."""
    best = study.best()
    return best is not None and best.number not in kept


def _refuse_failures(study: Search, limits: Limits) -> None:
    """Where every trial there may be was run and failed, more time would not help: RefusedError says why they did."""
    reasons = Counter(trial.reason or "its objective is no number" for trial in study.views() if trial.state == "fail")
    if reasons.total() < limits.trials:
        return
    reason, times = reasons.most_common(1)[0]
    raise RefusedError(
        f"All {reasons.total()} trials failed, {times} of them so: {reason}",
        "at least one trial that can be finished",
        "raise retrain.memory_mb or lower retrain.window_days where memory was short. Failed trials count: another seed "
        "or number of trials makes a new search",
    )


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


def _again(evaluator: Evaluator, params: Params, watch: Watch) -> Evaluation | None:
    """A trial once more, for its fold scores; None: it had no time, or failed."""
    try:
        return evaluator.evaluate(params, watch=watch)
    except (OutOfTimeError, TrialFailedError):
        return None


def _value_of(study: Search, params: Params) -> float | None:
    """Objective of the complete trial with these parameters; None: there is none."""
    return next((view.value for view in study.views() if view.state == "complete" and view.params == params), None)


def _sentence(study: Search, done: int, limits: Limits) -> str:
    best = study.best()
    left = f", {max(0, limits.clock.left):.0f} s left"
    return f"Trial {done} of {limits.trials}" + (f", best objective {best.value:.6g}" if best else "") + left
