"""What a retrain ended with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from loop_core.figures import numbers_apart
from loop_core.retrain.inspection import Check
from loop_core.retrain.study import TrialView
from loop_core.vocabulary import State


@dataclass(frozen=True)
class RetrainResult:
    """What a retrain ended with: a registered challenger."""

    loop: str
    version: str
    """The challenger's model version."""
    as_of: datetime
    parent: str | None
    """The champion at `as_of`; None: there was none."""
    value: float | None
    """Objective of the best parameters (mean fold loss + λ · worst cohort), lower is better; None: unvalidated."""
    champion_value: float | None
    """Objective of the champion's parameters on the same folds (the first trial); None: not validated, or there was no
    champion whose parameters are known."""
    trials: int
    """Finished trials, pruned ones included."""
    pruned: int
    starts: int
    """Parameters that are tried before any are searched: the champion's, where they are known, and the defaults."""
    n_folds: int
    n_rows: int
    train_start: datetime
    train_end: datetime
    """Nothing predicted at or after this was seen."""
    snapshot: int
    """Lake snapshot of the training set."""
    params: dict[str, float | int]
    """The chosen parameters."""
    checks: tuple[Check, ...]
    """What was looked at in the rows, and which labels are worth a second look."""
    notes: tuple[str, ...]
    """What a reader should know: fewer folds than asked, no search, …"""
    history: tuple[TrialView, ...]

    @property
    def searched(self) -> bool:
        """Whether parameters beyond the starting points were tried."""
        return self.value is not None and self.trials > self.starts

    @property
    def state(self) -> State:
        """`WATCH`: there is a model, and it rests on no search."""
        return State.OK if self.searched else State.WATCH

    @property
    def sentence(self) -> str:
        """The outcome in words."""
        if self.value is None:
            return f"Challenger {self.version}, not validated: {self.notes[0] if self.notes else 'there was no search'}"
        best, *others = numbers_apart(
            self.value, *([] if self.champion_value is None else [self.champion_value]), digits=5
        )
        against = f", the champion's parameters {others[0]}" if others else ""
        only = "" if self.searched else " Only the starting points were tried: nothing was searched."
        return f"Challenger {self.version}: best objective {best} of {self.trials} trials{against}.{only}"
