"""A search as it runs, or as it ended: its trials, how the best came about, and which parameters mattered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from loop_core.retrain.retrain import noted
from loop_core.retrain.search import Budget
from loop_core.retrain.studies import explained, stored_study
from loop_core.workspace import Loop

if TYPE_CHECKING:
    from optuna import Study

#: Complete trials from which on the parameters' weight can be told.
MIN_TRIALS = 6


@dataclass(frozen=True)
class LiveTrial:
    """One finished trial."""

    number: int
    """0, 1, … in the order they were run."""
    state: str
    """`complete`, `pruned` (given up after its first folds) or `fail`."""
    value: float | None
    """Objective, lower is better; for a pruned trial the mean of the folds it saw; None: it failed."""
    best: float | None
    """The lowest of the complete ones so far; None: none was complete."""
    began_at: datetime | None
    seconds: float
    params: Mapping[str, float | int]
    reason: str
    """Why it failed; empty otherwise."""


@dataclass(frozen=True)
class LiveSearch:
    """What is stored of a search."""

    trials: tuple[LiveTrial, ...]
    champion_value: float | None
    """Objective of the champion's parameters; None: not complete, or there is no champion whose parameters are known."""
    importance: Mapping[str, float]
    """Parameter → share of what the objective varies by, largest first; empty: too few trials."""

    @property
    def best(self) -> LiveTrial | None:
        """The complete trial with the lowest value."""
        complete = [trial for trial in self.trials if trial.state == "complete" and trial.value is not None]
        return min(complete, key=lambda trial: (trial.value, trial.number), default=None)


def live_search(loop: Loop, as_of: datetime, *, seed: int, budget: Budget) -> LiveSearch | None:
    """The trials of the retrain with these arguments; reading only, so it may be called while it runs.

    Args:
        loop, as_of, seed, budget: those of `retrain`.

    Returns:
        None where no such search was begun.
    """
    study = stored_study(loop.workspace.studies_url, loop.name, noted(as_of, seed, budget))
    if study is None:
        return None
    with explained("The search cannot be read"):
        trials, champion = _trials(study), study.user_attrs.get("champion")
        value = next((trial.value for trial in trials if trial.state == "complete" and trial.params == champion), None)
        return LiveSearch(trials, value, _importance(study, trials))


def _trials(study: Study) -> tuple[LiveTrial, ...]:
    found, best = [], None
    for trial in study.get_trials(deepcopy=False):
        state = trial.state.name.lower()
        if state not in ("complete", "pruned", "fail"):
            continue
        if state == "complete" and trial.value is not None:
            best = trial.value if best is None else min(best, trial.value)
        found.append(
            LiveTrial(
                trial.number,
                state,
                trial.value,
                best,
                trial.datetime_start,
                trial.duration.total_seconds() if trial.duration else 0.0,
                dict(trial.params),
                str(trial.user_attrs.get("reason", "")),
            )
        )
    return tuple(found)


def _importance(study: Study, trials: tuple[LiveTrial, ...]) -> dict[str, float]:
    """Source: Watanabe, Bansal & Hutter 2023 (PED-ANOVA)."""
    from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances

    if sum(trial.state == "complete" for trial in trials) < MIN_TRIALS:
        return {}
    evaluator: Any = PedAnovaImportanceEvaluator()
    return dict(get_param_importances(study, evaluator=evaluator))
