"""One search's durable state: an Optuna study in the workspace's storage, so that a killed worker resumes it."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any

from loop_core.errors import StorageError
from loop_core.retrain.space import RANGES, Ranges, distributions
from loop_core.retrain.studies import explained, opened_study

if TYPE_CHECKING:
    from optuna import Trial
    from optuna.trial import FrozenTrial

#: Trials sampled at random before TPE has enough to learn from, and before pruning has a median to compare with.
STARTUP_TRIALS = 5


@dataclass(frozen=True)
class TrialView:
    """One finished trial of a search."""

    number: int
    """0, 1, … in the order they were run."""
    state: str
    """`complete`; `pruned`: given up after its first folds; `fail`: it could not be finished, see `reason`."""
    value: float | None
    """Objective, lower is better; for a pruned trial the mean of the folds it saw; None: it failed."""
    params: Mapping[str, float | int]
    reason: str = ""
    """Why it failed."""


def study_name(loop: str, inputs: Mapping[str, Any]) -> str:
    """The name under which the same search is found again: loop and a hash of everything that decides it."""
    return f"{loop}-{hashlib.sha256(json.dumps(inputs, sort_keys=True, default=str).encode()).hexdigest()[:16]}"


class Search:
    """A search's trials: worked on in memory, each one stored when it is finished.

    So a kill loses only the trial that ran, the store holds nothing half-done, and sampling and pruning cost no database
    round trips. Sampling is seeded by the trial's place, not by the process: a resumed search goes on exactly as
    an uninterrupted one would have. Of trials side by side, whose finishing order is chance, a resumed search draws those
    that were lost.
    """

    def __init__(self, url: str, name: str, snapshot: int, seed: int, ranges: Ranges = RANGES) -> None:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._name, self._seed, self._ranges = name, seed, ranges
        with explained("The search cannot be opened"):
            self._stored = opened_study(url, name, snapshot)
            trials = self._stored.get_trials(deepcopy=False)
            if not trials:
                self._stored.set_user_attr("snapshot", snapshot)
        self.snapshot: int = self._noted("snapshot")
        """The snapshot its first finished trial was run on; a resumed search keeps it."""
        # Trials are given up where they run, by `bounds`.
        self._study = optuna.create_study(direction="minimize", pruner=optuna.pruners.NopPruner())
        self._study.add_trials(trials)
        self._n_stored = len(trials)

    @property
    def finished(self) -> list[FrozenTrial]:
        """Complete, pruned and failed trials, in order."""
        from optuna.trial import TrialState

        states = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)
        return list(self._study.get_trials(deepcopy=False, states=states))

    def views(self) -> tuple[TrialView, ...]:
        """The finished trials as plain records."""
        return tuple(
            TrialView(
                trial.number,
                trial.state.name.lower(),
                trial.value,
                dict(trial.params),
                trial.user_attrs.get("reason", ""),
            )
            for trial in self.finished
        )

    def best(self) -> FrozenTrial | None:
        """The complete trial with the lowest value, the older of equals; None: none is complete."""
        complete = [trial for trial in self.finished if trial.state.name == "COMPLETE"]
        return min(complete, key=lambda trial: (trial.value, trial.number), default=None)

    def spent(self) -> float:
        """Seconds that finished trials took, in this and in earlier, killed runs."""
        spans = sorted((t.datetime_start, t.datetime_complete) for t in self.finished if t.duration is not None)
        seconds, until = 0.0, None
        # Wall clock: trials that ran side by side count once.
        for start, end in spans:
            since = start if until is None else max(start, until)
            seconds += max(0.0, (end - since).total_seconds())
            until = end if until is None else max(end, until)
        return seconds

    def longest(self) -> float:
        """Seconds that the longest of the finished trials took; 0: none is finished."""
        return max((t.duration.total_seconds() for t in self.finished if t.duration is not None), default=0.0)

    def tried(self, params: Mapping[str, float | int]) -> bool:
        """Whether a trial with these parameters is running or finished."""
        return any(trial.params == params for trial in self._study.get_trials(deepcopy=False))

    def bounds(self) -> dict[int, float]:
        """Folds done → median of what complete trials had reached by then; empty while there are too few of them."""
        from statistics import median

        complete = [trial for trial in self.finished if trial.state.name == "COMPLETE"]
        if len(complete) < STARTUP_TRIALS:
            return {}
        reached: dict[int, list[float]] = {}
        for trial in complete:
            for folds, value in trial.intermediate_values.items():
                if not math.isnan(value):
                    reached.setdefault(folds, []).append(value)
        return {folds: median(values) for folds, values in reached.items()}

    def ask(self, given: Mapping[str, float | int] | None) -> Trial:
        """The next trial: with given parameters, or sampled."""
        from optuna.samplers import TPESampler

        # The first that no finished or running trial has: what a kill lost is drawn again, and nothing twice.
        taken = {trial.user_attrs.get("place") for trial in self._study.get_trials(deepcopy=False)}
        place = next(place for place in count() if place not in taken)
        if given is not None:
            self._study.enqueue_trial(dict(given))
        # By the search too, not by the seed alone: else every retrain would draw what the last one drew.
        drawn = hashlib.sha256(f"{self._name} {self._seed} {place}".encode()).digest()
        seed = int.from_bytes(drawn[:4], "big")
        # Multivariate: learning rate and number of leaves are chosen together, as they work (Falkner et al. 2018).
        self._study.sampler = TPESampler(seed=seed, n_startup_trials=STARTUP_TRIALS, multivariate=True)
        trial = self._study.ask(fixed_distributions=distributions(self._ranges))
        trial.set_user_attr("place", place)
        return trial

    def tell(self, trial: Trial, value: float | None) -> None:
        """Store a trial with its value; None: it was pruned."""
        from optuna.trial import TrialState

        if value is None:
            self._store(self._study.tell(trial, state=TrialState.PRUNED))
        else:
            self._store(self._study.tell(trial, value))

    def tell_failed(self, trial: Trial, reason: str) -> None:
        """Store a trial that could not be finished."""
        from optuna.trial import TrialState

        trial.set_user_attr("reason", reason)
        self._store(self._study.tell(trial, state=TrialState.FAIL))

    def _store(self, trial: FrozenTrial) -> None:
        with explained("The finished trial cannot be stored"):
            if len(self._stored.get_trials(deepcopy=False)) != self._n_stored:
                raise StorageError(
                    "Another run of this very retrain has stored trials meanwhile",
                    "one run at a time",
                    "wait for that one, or try again after it: stored trials count",
                )
            self._stored.add_trial(trial)
        self._n_stored += 1

    def stagnant(self, patience: int | None) -> bool:
        """Whether so many complete trials have brought nothing better, and more are not expected to."""
        # Optuna's own terminator is deprecated since 4.9 and goes with 6.0.
        complete = [trial for trial in self.finished if trial.state.name == "COMPLETE"]
        best = self.best()
        return patience is not None and best is not None and len(complete) - 1 - complete.index(best) >= patience

    @property
    def noted_seconds(self) -> float:
        """What this search took so far, in all its runs; see `note`."""
        return float(self._noted("seconds") or 0.0)

    @property
    def version(self) -> str | None:
        """The model it led to; None: it is not over."""
        found: str | None = self._noted("version")
        return found

    def _noted(self, name: str) -> Any:
        with explained("What is known of the search cannot be read"):
            return self._stored.user_attrs.get(name)

    def note(self, **attributes: Any) -> None:
        """Keep something beside the trials: what it is about, what it took."""
        with explained("What is known of the search cannot be stored"):
            for name, value in attributes.items():
                self._stored.set_user_attr(name, value)

    def close(self, version: str) -> None:
        """Mark the search as done, with the model it led to."""
        self.note(version=version)
