"""A challenger: pinned training set → folds → search → refit → package, registered in the ledger."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from loop_core.errors import NotReadyError, RefusedError, StoppedError, StorageError
from loop_core.frames import to_json
from loop_core.retrain.apart import Apart, TrialFailedError
from loop_core.retrain.clock import Clock, OutOfTimeError
from loop_core.retrain.executors import Executor, reached
from loop_core.retrain.fit import Recipe, fit, fixed_of, package
from loop_core.retrain.fit_time import check_fit_time
from loop_core.retrain.folds import rolling_folds
from loop_core.retrain.inspection import looked_at, suspected
from loop_core.retrain.objective import Objective
from loop_core.retrain.result import RetrainResult
from loop_core.retrain.search import Budget, Found, Limits, Params, Progress, ShouldStop, search
from loop_core.retrain.space import ranges_of
from loop_core.retrain.spending import check_month
from loop_core.retrain.starts import champion_params, first_params
from loop_core.retrain.study import Search, study_name
from loop_core.retrain.training import TrainingSet, training_set
from loop_core.vocabulary import Task
from loop_core.workspace import Loop

#: Why nothing was chosen; what was taken instead follows.
NO_FOLDS = "The span is too short to validate anything without leaking"
NO_TIME = "No trial finished within the budget's seconds"
NOT_AGAIN = "The best trial, of a run that was ended, could not be evaluated again for its scores"


def retrain(
    loop: Loop,
    *,
    as_of: datetime,
    actor: str,
    seed: int,
    budget: Budget | None = None,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> RetrainResult:
    """Search, fit, package and register a challenger from what was known at `as_of`.

    The newest `retrain.comparison_days` of mature rows stay unseen. The search is stored: the same call after a kill
    goes on with the finished trials, on the snapshot it began with. The same inputs and seed give the same bytes,
    unless the budget's seconds (not its trials) ended the search, or trials ran side by side (`retrain.executor`).

    Args:
        loop: the loop.
        as_of: UTC instant; no label known later is used.
        actor: recorded with the model.
        seed: of sampling, bagging and feature choice.
        budget: trials and seconds; None: the charter's. The seconds hold for all of it, reading and fitting included,
            and for all its runs together, where one was killed; a trial that would not end is ended.
        progress: called with the share done and a sentence.
        should_stop: asked many times a second; True ends the retrain.

    Raises:
        NotReadyError: no mature labels, too few rows, one class; the month's compute is spent, or the budget was before
            a model was fitted, or is too small for one fit; trials cannot run where the charter says (`retrain.executor`).
        RefusedError: features or labels no model can learn from; an empty budget; not enough memory; every trial failed.
        StoppedError: stopped on request; its finished trials are kept.
    """
    say = progress or (lambda share, sentence: None)
    plan = loop.charter.retrain
    budget = budget or Budget(plan.trials, plan.seconds)
    clock = Clock(budget.seconds, should_stop)
    parent = loop.champion(as_of)
    with reached(plan.executor, clock.watch()) as executor_for:
        study = _study(loop, as_of, seed, budget, parent)
        asked = _Asked(as_of, actor, seed, budget, parent, champion_params(loop, parent), executor_for)
        try:
            with _charged(loop, study, clock, asked) as note_seconds:
                return _retrained(loop, study, clock, asked, _noting(note_seconds, say))
        except OutOfTimeError:
            raise NotReadyError(
                f"The budget of {budget.seconds:g} s was spent before a model could be fitted on all rows",
                "more time or fewer rows",
                "raise retrain.seconds, or lower retrain.window_days; that is another search, which begins without "
                "the trials of this one",
            ) from None


@contextmanager
def _charged(loop: Loop, study: Search, clock: Clock, asked: _Asked) -> Iterator[Callable[[], None]]:
    """Charge the clock with what earlier runs took. What is given keeps on record what all of them took until it is called.
    A run that ends in an error is charged its finished trials: nothing else came of it.

    A search that is over is only asked for its model: that is not charged, or the same call would not give the same model.
    """
    if study.version is not None:
        yield lambda: None
        return
    check_month(loop, asked.as_of, asked.budget, study.noted_seconds)
    # Noted is more than what finished trials took: reading, and trials that hung or were cut.
    earlier = max(study.noted_seconds, study.spent())
    clock.charge(earlier)
    study.note(**noted(asked.as_of, asked.seed, asked.budget), champion=asked.champion)

    def note_seconds() -> None:
        study.note(seconds=round(asked.budget.seconds - clock.left, 3))

    try:
        yield note_seconds
        note_seconds()
    except Exception as error:
        if isinstance(error, OutOfTimeError | StoppedError):
            note_seconds()
        else:
            with suppress(StorageError):
                study.note(seconds=round(max(earlier, study.spent()), 3))
        raise
    except BaseException:
        note_seconds()
        raise


def _noting(note_seconds: Callable[[], None], say: Progress) -> Progress:
    """Progress that keeps what was spent until then on record: a kill must not make it free."""

    def told(share: float, sentence: str) -> None:
        note_seconds()
        say(share, sentence)

    return told


def noted(as_of: datetime, seed: int, budget: Budget) -> dict[str, Any]:
    """What a search says it is about, so that it is found while it runs and afterwards."""
    return {"as_of": as_of.isoformat(), "seed": seed, "granted": budget.seconds, "asked": budget.trials}


@dataclass(frozen=True)
class _Asked:
    """What `retrain` was asked for."""

    as_of: datetime
    actor: str
    seed: int
    budget: Budget
    parent: str | None
    """The champion."""
    champion: Params | None
    """Its parameters; None: there are none, or they are not known."""
    executor_for: Callable[[Apart], Executor]
    """Makes what runs the trials."""


def _retrained(loop: Loop, study: Search, clock: Clock, asked: _Asked, say: Progress) -> RetrainResult:
    plan, as_of, seed, budget, parent = loop.charter.retrain, asked.as_of, asked.seed, asked.budget, asked.parent
    # Where earlier runs took all of it, not even reading is worth while.
    clock.watch()()
    say(0.0, "Reading the training set")
    training = training_set(loop, as_of, snapshot=study.snapshot)
    objective, first = objective_of(loop, training, seed), first_params(loop, asked.champion)
    clock.watch()()
    with Apart(objective, plan.memory_mb) as apart:
        say(0.02, f"Timing a fit of {training.n_rows:,} rows")
        fit_seconds = check_fit_time(apart, first[0], budget, clock)
        say(0.03, f"Looking at {training.n_rows:,} rows")
        looked = looked_at(loop, objective)
        clock.watch()()
        found = None
        if objective.folds:
            say(0.05, f"Searching on {training.n_rows:,} rows in {len(objective.folds)} folds")
            limits = Limits(budget.trials, clock, plan.patience, _refit_scale(objective), fit_seconds)
            executor, told = asked.executor_for(apart), _between(say, 0.05, 0.9)
            found = search(study, apart, limits, first, executor=executor, progress=told)
        recipe = _recipe(objective, found, first[0], seed, parent)
        recipe = replace(recipe, checks=(*looked, suspected(loop, objective, recipe.evaluation)))
        say(0.92, f"Fitting the best parameters on {training.n_rows:,} rows")
        text = _fitted(apart, recipe, clock)
    training = training.noting(*_notes(plan.folds, objective, found, study, asked.champion))
    version = package(loop, training, recipe, actor=asked.actor, as_of=as_of, text=text)
    result = _result(loop, version, training, recipe, found, asked, len(first))
    _record(loop, result, actor=asked.actor, seed=seed, budget=budget)
    study.close(version)
    say(1.0, f"Challenger {version} is registered")
    return result


def objective_of(loop: Loop, training: TrainingSet, seed: int) -> Objective:
    """The folds a training set can carry; where not even one, it has none, and nothing can be validated."""
    plan = loop.charter.retrain
    classes = None if loop.charter.loop.task is Task.REGRESSION else training.y
    folds = rolling_folds(
        training.at,
        classes,
        folds=plan.folds,
        block_days=plan.comparison_days,
        embargo_days=loop.charter.labels.horizon_days,
    )
    return Objective(training, folds, fixed_of(loop, training, seed), loop.charter)


def _recipe(objective: Objective, found: Found | None, kept: Params, seed: int, parent: str | None) -> Recipe:
    """The best that was found, or what was to be tried first."""
    if found is None:
        return Recipe(kept, seed, parent)
    return Recipe(found.params, seed, parent, objective, found.evaluation)


def _fitted(apart: Apart, recipe: Recipe, clock: Clock) -> str:
    """The model on all rows, within what is left of the budget."""
    try:
        return apart.call(_refit, dict(recipe.params), recipe.rounds, watch=clock.watch())
    except TrialFailedError as error:
        raise RefusedError(
            f"The model could not be fitted: {error}",
            "parameters, rows and memory that LightGBM can work with",
            "raise retrain.memory_mb, or lower retrain.window_days",
        ) from None


def _refit(objective: Objective, params: Params, rounds: int) -> str:
    return fit(objective.training, {**objective.fixed, **params}, rounds)


def _study(loop: Loop, as_of: datetime, seed: int, budget: Budget, parent: str | None) -> Search:
    asked = {"as_of": as_of.isoformat(), "seed": seed, "budget": to_json(budget), "parent": parent}
    name = study_name(loop.name, asked | {"charter": loop.charter.hash})
    return Search(loop.workspace.studies_url, name, loop.lake.snapshot(), seed, ranges_of(loop.charter))


def _refit_scale(objective: Objective) -> float:
    """All rows per training row of the largest fold: where the span is short and the embargo long, far more than 1."""
    return objective.training.n_rows / max(fold.train_stop for fold in objective.folds)


def _between(say: Progress, low: float, high: float) -> Progress:
    return lambda share, sentence: say(low + share * (high - low), sentence)


def _notes(
    wanted: int, objective: Objective, found: Found | None, study: Search, champion: Params | None
) -> tuple[str, ...]:
    instead = "the champion's parameters were kept" if champion else "the default parameters were taken"
    if not objective.folds:
        return (f"{NO_FOLDS}: {instead}.",)
    why = NO_TIME if study.best() is None else NOT_AGAIN
    notes = () if found else (f"{why}: {instead}.",)
    if len(objective.folds) < wanted:
        notes = (*notes, f"{len(objective.folds)} of {wanted} folds: the span carries no more with the embargo.")
    return notes


def _result(
    loop: Loop, version: str, training: TrainingSet, recipe: Recipe, found: Found | None, asked: _Asked, starts: int
) -> RetrainResult:
    history = found.trials if found else ()
    return RetrainResult(
        loop=loop.name,
        version=version,
        as_of=asked.as_of,
        parent=recipe.parent,
        value=found.evaluation.value if found else None,
        champion_value=found.first_value if found and asked.champion else None,
        trials=len(history),
        pruned=sum(trial.state == "pruned" for trial in history),
        starts=starts,
        n_folds=len(recipe.objective.folds) if recipe.objective else 0,
        n_rows=training.n_rows,
        train_start=training.start,
        train_end=training.end,
        snapshot=training.snapshot,
        params=dict(recipe.params),
        checks=recipe.checks,
        notes=training.notes,
        history=history,
    )


def _record(loop: Loop, result: RetrainResult, *, actor: str, seed: int, budget: Budget) -> None:
    payload: dict[str, Any] = to_json(result)
    for name in ("loop", "as_of", "history"):
        payload.pop(name)
    loop.ledger.append(
        kind="retrain.finished",
        loop=loop.name,
        subject=result.version,
        actor=actor,
        as_of=result.as_of,
        payload=payload | {"seed": seed, "budget": to_json(budget)},
        key=f"retrain.finished:{loop.name}:{result.version}",
    )
