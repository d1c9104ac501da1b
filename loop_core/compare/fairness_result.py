"""What a look at fairness found, in numbers and words."""

from __future__ import annotations

from dataclasses import dataclass

from loop_core.figures import numbers_apart
from loop_core.signed import signed_difference
from loop_core.vocabulary import Verdict


@dataclass(frozen=True)
class FairnessResult:
    """One measure over the groups of one protected cohort. Gaps are between the two groups that are furthest apart."""

    cohort: str
    measure: str
    """`demographic_parity` (share told yes), `equalized_odds` (hits and false alarms), `accuracy`; of numbers `mean_error` and
    `absolute_error`, in the label's unit. Shares are 0..1."""
    verdict: Verdict
    """On the change of the gap; without a margin `not_worse` is said only where nothing changes."""
    n: int = 0
    """Rows of the groups that count."""
    groups: int = 0
    """Groups that count."""
    champion: float | None = None
    """The champion's gap, ≥ 0; None: not estimable, see `reason`."""
    champion_low: float | None = None
    """Its 95 % interval, lower end …"""
    champion_high: float | None = None
    """… and upper end."""
    challenger: float | None = None
    """The challenger's gap; None: not estimable."""
    challenger_low: float | None = None
    challenger_high: float | None = None
    difference: float | None = None
    """The champion's gap less the challenger's: up is good, the gap closes."""
    ci_low: float | None = None
    """95 % interval of the difference, lower end …"""
    ci_high: float | None = None
    """… and upper end."""
    se: float | None = None
    """Standard deviation of the difference."""
    p_worse: float | None = None
    """One-sided p-value of "the gap does not widen", 0..1."""
    margin: float | None = None
    """By so much may the gap widen; None: the charter names none, so this gates nothing."""
    rows_needed: int | None = None
    """Further rows that decide with about 80 % chance; only where `inconclusive` and a margin is named."""
    bound_low: float | None = None
    """The difference if rows without label had those worst for the challenger; None: every label is there, or none is needed.
    The interval reaches beyond it."""
    bound_high: float | None = None
    """The difference if they had those best for it."""
    most: str = ""
    """The challenger's group with the largest rate of the widest gap …"""
    least: str = ""
    """… and the one with the smallest."""
    left_out: str = ""
    """Groups with too few rows, in words; empty: none."""
    threshold: float | None = None
    """Yes is said from this probability on; None: the task has no such point."""
    method: str = ""
    """How the intervals were made; empty where there are none."""
    reason: str = ""
    """Why there is no verdict, or why it is softer than its interval; empty otherwise."""

    def __post_init__(self) -> None:
        # Stored cards hold the word.
        object.__setattr__(self, "verdict", Verdict(self.verdict))

    @property
    def words(self) -> str:
        """The measure as people say it."""
        return self.measure.replace("_", " ")

    @property
    def sentence(self) -> str:
        """What was found, with numbers."""
        apart = f" Left out: {self.left_out}." if self.left_out else ""
        if self.difference is None:
            return f"{self.words}: {self.reason}.{apart}"
        between = f"between {self.most} and {self.least}" if self.challenger else "between all groups"
        known = [value for value in (self.champion, self.challenger) if value is not None]
        gap = f"{self.words}: gap {' → '.join(numbers_apart(*known, digits=4))} {between}"
        change = signed_difference(self.difference, self.ci_low, self.ci_high)
        if self.bound_low is not None and self.bound_high is not None:
            low, high = (signed_difference(end) for end in (self.bound_low, self.bound_high))
            change += f" ({low} to {high} by the labels that are missing)"
        against = f" against a margin of {self.margin:g}" if self.margin else ""
        return f"{gap}, {change}{against}, n = {self.n:,}.{apart}"


@dataclass(frozen=True)
class GroupRate:
    """One rate of both models in one group of a protected cohort."""

    cohort: str
    cohort_value: str
    rate: str
    """`said yes`, `true positives` (of the true), `false positives` (of the false), `accuracy`, `mean error`, …"""
    n: int
    """Rows that the rate is of."""
    champion: float | None
    """0..1, or in the label's unit; None: no row counts."""
    challenger: float | None
