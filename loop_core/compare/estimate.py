"""What every paired statistic gives: two values, their difference and how sure it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

#: All intervals of a comparison are two-sided at this level.
CONFIDENCE = 0.95
#: Its two ends on the normal distribution: the .975 quantile.
Z = 1.959964
#: Below this many units no interval is honest: the bootstrap cannot see a tail that it has no rows of.
MIN_UNITS = 20


@dataclass(frozen=True)
class Estimate:
    """One metric of two models on the same rows."""

    n: int
    """Rows."""
    champion: float
    """The champion's value, in the metric's own unit."""
    challenger: float
    """The challenger's value, in the metric's own unit."""
    difference: float
    """Signed so that up is good for the challenger."""
    se: float
    """Standard error of the difference; 0 only where both models say the same of every row."""
    ci_low: float
    """Lower end of the 95 % interval of the difference."""
    ci_high: float
    """Upper end."""
    method: str
    """How the interval was made, in words."""
    bound_low: float | None = None
    """The difference if rows without label had the labels worst for the challenger; None: every row has its label."""
    bound_high: float | None = None
    """The difference if they had those best for it."""
    n_effective: float | None = None
    """Of a weighted sample: as many rows that all count alike would tell as much (Kish 1965); None: not weighted."""


def made(n: int, numbers: Sequence[float], method: str) -> Estimate:
    """An estimate from (champion, challenger, difference, se, ci_low, ci_high)."""
    champion, challenger, difference, se, ci_low, ci_high = map(float, numbers)
    return Estimate(n, champion, challenger, difference, se, ci_low, ci_high, method)


@dataclass(frozen=True)
class NotEstimable:
    """No value, and why. Never a number that looks like one."""

    n: int
    reason: str
    """One sentence for people."""
    champion: float | None = None
    """The champion's value where it exists although no interval does."""
    challenger: float | None = None
    """The challenger's value, likewise."""
