"""Scores near the operating threshold: how many there are, and how often the decision on them is wrong."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class ScoreBand:
    """Scores between two values."""

    low: float
    """Lowest score in it (inclusive)."""
    high: float
    """Exclusive, but for the last band."""
    n: int
    """Predictions with such a score, labelled or not."""
    share: float
    """Of all predictions, 0..1."""
    n_labelled: int
    error_share: float | None
    """Labelled rows on the wrong side of the threshold, 0..1; None: none is labelled."""
    ci_low: float | None
    """95 % Wilson interval."""
    ci_high: float | None


@dataclass(frozen=True)
class ScoreBands:
    """The decision boundary of one span, in one cohort value."""

    window_start: datetime
    window_end: datetime
    """Exclusive; only mature windows."""
    cohort: str | None
    cohort_value: str | None
    model_version: str | None
    threshold: float
    """From this score on the model says yes."""
    bands: tuple[ScoreBand, ...]
    """Twenty of equal width from 0 to 1."""
    near_share: float
    """Share of predictions within 0.05 of the threshold: a small shift of scores turns these over."""
    near_error_share: float | None
    """Share of the labelled ones among them that were decided wrongly."""
    near_ci_low: float | None
    near_ci_high: float | None
    n: int
    """Predictions."""
    n_labelled: int
