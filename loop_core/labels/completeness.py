"""How complete the labels are by the age of a prediction."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class CompletenessPoint:
    """The share of predictions whose label is known at one age, estimated so that younger predictions count for the
    ages they have reached and no further (Kaplan & Meier 1958)."""

    age_days: float
    """Age of a prediction in days."""
    share: float
    """Share whose label is known by that age, 0..1."""
    ci_low: float
    """95 % interval (Greenwood's error on the log(−log) scale, which keeps it inside 0..1)."""
    ci_high: float
    cohort: str | None
    """Cohort name; None: everybody."""
    cohort_value: str | None
    n: int
    """Predictions that reached this age, so that the point rests on them."""
    horizon_share: float
    """Share known at the charter's horizon, as far as the curve reaches; what stays below 1 is never labelled."""
