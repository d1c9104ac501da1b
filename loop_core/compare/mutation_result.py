"""What a mutation test found, in numbers and words."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from loop_core.feedback.intervals import wilson
from loop_core.figures import numbers_apart, shares_apart

Floats = npt.NDArray[np.float64]
MutationState = Literal["holds", "broken", "undecided", "not_tested"]


@dataclass(frozen=True)
class MutationResult:
    """One declared change, or one monotone feature, tried on the newest rows."""

    feature: str
    """Empty where the charter declares nothing."""
    change: str
    """`noise`, `unit`, `null`, `unseen` or `monotone`; empty likewise."""
    size: str
    """How large the change is, in words: ± 0.05 kg, × 1000, rising."""
    state: MutationState
    """`undecided`: the interval of the share holds `max_share`. `not_tested`: see `reason`."""
    n: int = 0
    """Rows tried: those that have a value."""
    bound: float | None = None
    """How far a score may move, in probability or in the label's unit; None: monotone, where no step may go the wrong way."""
    max_share: float = 0.0
    """Share of rows that may move further, 0..1."""
    share: float | None = None
    """Share of rows where the challenger's score moves further than the bound (monotone: the wrong way); None: not tested."""
    ci_low: float | None = None
    """Its 95 % interval (Wilson), lower end …"""
    ci_high: float | None = None
    """… and upper end."""
    move: float | None = None
    """All but `max_share` of the rows move at most so far; None: not tested, or it says no number."""
    champion_share: float | None = None
    """The same of the champion; None: it cannot score here."""
    champion_move: float | None = None
    row: str = ""
    """`prediction_id` of the row whose score moves most; empty: none moves."""
    value: str = ""
    """Its value of the feature …"""
    changed: str = ""
    """… and what that was changed to."""
    before: float | None = None
    """The challenger's score of it before; None: no number."""
    after: float | None = None
    """And after."""
    of_class: str = ""
    """Multiclass: whose probability that is."""
    reason: str = ""
    """Why it was not tested."""

    @property
    def what(self) -> str:
        """The change in words."""
        return f"{self.feature} {self.change} {self.size}".strip() if self.feature else "nothing declared"

    @property
    def sentence(self) -> str:
        """What was found, with numbers."""
        if self.share is None:
            return f"{self.reason}."
        share, most, low, high, champions = shares_apart(
            self.share,
            self.max_share or self.share,
            self.share if self.ci_low is None else self.ci_low,
            self.share if self.ci_high is None else self.ci_high,
            self.share if self.champion_share is None else self.champion_share,
            digits=1,
        )
        allowed = f"{most} may" if self.max_share else "none may"
        does = "go the wrong way" if self.bound is None else f"move by more than {self.bound:g}"
        within = f"95 % {low} to {high}"
        beside = "" if self.champion_share is None else f" Of the champion's {champions} do."
        return f"{share} of {self.n:,} scores {does} ({within}); {allowed}.{beside}"

    @property
    def example(self) -> str:
        """The row that moves most, in words; empty: none moves."""
        if not self.row:
            return ""
        of = f" of {self.of_class}" if self.of_class else ""
        told = iter(numbers_apart(*(x for x in (self.before, self.after) if x is not None)))
        before, after = ("no number" if x is None else next(told) for x in (self.before, self.after))
        return (
            f"{self.row}: {self.feature} {self.value} → {self.changed} turns the score{of} from {before} into {after}"
        )


def measured(blank: MutationResult, beyond: int, sizes: Floats) -> MutationResult:
    """The result of a test whose rows were tried.

    Args:
        blank: what was tested.
        beyond: rows whose score moves further than allowed.
        sizes: (n,) how far each row's score moves.
    """
    low, high = wilson(beyond, len(sizes)) or (0.0, 1.0)
    # No number of rows shows that none ever will, so where none may, none of those tried has to do.
    holds = high <= blank.max_share or not (beyond or blank.max_share)
    state: MutationState = "holds" if holds else "broken" if low > blank.max_share else "undecided"
    share = beyond / len(sizes)
    return replace(blank, state=state, n=len(sizes), share=share, ci_low=low, ci_high=high, move=most_of(sizes, blank))


def most_of(sizes: Floats, blank: MutationResult) -> float | None:
    """How far all but `max_share` of the rows move at most; None: no number."""
    most = float(np.quantile(sizes, 1 - blank.max_share, method="higher"))
    return most if np.isfinite(most) else None


def said(value: Any) -> str:
    """A feature's value in words."""
    if value is None:
        return "missing"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def number(value: float) -> float | None:
    """A score as it can be stored."""
    return float(value) if np.isfinite(value) else None
