"""Optuna asks, LightGBM answers: trials until the budget is spent, the champion's parameters first."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from loop_core.errors import RefusedError, StoppedError
from loop_core.retrain.objective import Evaluation, Objective, PrunedError
from loop_core.retrain.study import Search, TrialView

if TYPE_CHECKING:
    from optuna import Trial

#: Share done (0..1) and a sentence.
Progress = Callable[[float, str], None]
ShouldStop = Callable[[], bool]
Params = dict[str, float | int]


@dataclass(frozen=True)
class Budget:
    """What a search may spend: whichever ends first. Where the seconds end it, the outcome depends on the machine;
    equal runs give equal models only as long as the trials end it."""

    trials: int
    """Trials, pruned ones included; at least 1."""
    seconds: float
    """Wall-clock seconds of the search; the refit comes on top."""

    def __post_init__(self) -> None:
        if self.trials < 1 or not self.seconds > 0:
            raise RefusedError(
                f"A budget of {self.trials} trials and {self.seconds:g} s",
                "at least 1 trial and more than 0 s",
                "raise it",
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


class _OutOfTimeError(Exception):
    """The search's seconds are spent."""


def search(
    study: Search,
    objective: Objective,
    budget: Budget,
    first: Sequence[Params],
    *,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> Found | None:
    """Run trials until the budget is spent, and evaluate the best again if its fold scores are not at hand.

    Args:
        study: where trials are stored; those already there count.
        objective: what a trial is worth.
        budget: trials and seconds.
        first: parameters to try before any sampling, most trusted first.
        progress, should_stop: called between trials, and should_stop within them.

    Returns:
        The best, or None when not even one trial could finish in time.

    Raises:
        StoppedError: `should_stop` said so. Finished trials stay stored.
    """
    watch = _watch(budget.seconds - study.spent(), should_stop)
    kept: dict[int, Evaluation] = {}
    while (done := len(study.finished)) < budget.trials:
        trial = study.ask(first[done] if done < len(first) else None)
        try:
            _run(study, trial, objective, watch, kept)
        except _OutOfTimeError:
            break
        if progress:
            progress((done + 1) / budget.trials, _sentence(study, done + 1, budget))
    return _found(study, objective, kept)


def _run(
    study: Search, trial: Trial, objective: Objective, watch: Callable[[], None], kept: dict[int, Evaluation]
) -> None:
    def report(folds: int, value: float) -> bool:
        trial.report(value, folds)
        return bool(trial.should_prune())

    try:
        evaluation = objective.evaluate(trial.params, report=report, watch=watch)
    except PrunedError:
        study.tell(trial, None)
    else:
        study.tell(trial, evaluation.value)
        kept[trial.number] = evaluation


def _found(study: Search, objective: Objective, kept: dict[int, Evaluation]) -> Found | None:
    best = study.best()
    if best is None:
        return None
    # A trial of an earlier, killed run left its value but not its fold scores.
    evaluation = kept.get(best.number) or objective.evaluate(best.params)
    views = study.views()
    first = views[0].value if views[0].state == "complete" else None
    return Found(dict(best.params), evaluation, first, views)


def _watch(seconds: float, should_stop: ShouldStop | None) -> Callable[[], None]:
    deadline = time.monotonic() + seconds

    def watch() -> None:
        if should_stop and should_stop():
            raise StoppedError(
                "The retrain was stopped on request", "", "its finished trials are kept; start it again to go on"
            )
        if time.monotonic() > deadline:
            raise _OutOfTimeError

    return watch


def _sentence(study: Search, done: int, budget: Budget) -> str:
    best = study.best()
    return f"Trial {done} of {budget.trials}" + (f", best objective {best.value:.5f}" if best else "")
