"""How far a probability can be taken at its word: what curves and their summaries say."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from loop_core.vocabulary import State


@dataclass(frozen=True)
class ReliabilityBin:
    """Rows whose scores are close together."""

    score: float
    """Their mean score."""
    share: float
    """Share of them with label 1."""
    ci_low: float
    """95 % Wilson interval of the share."""
    ci_high: float
    n: int


@dataclass(frozen=True)
class ReliabilityCurve:
    """Calibration of the scores of one span, in one cohort value."""

    window_start: datetime
    window_end: datetime
    """Exclusive; only windows whose labels are mature are in it."""
    cohort: str | None
    """Cohort name; None: everybody."""
    cohort_value: str | None
    model_version: str | None
    """Who scored them, joined by ` + ` where several did."""
    n: int
    """Labelled rows."""
    bins: tuple[ReliabilityBin, ...]
    """Of equal mass, at most 15, by rising score; empty while too few."""
    ece: float | None
    """Expected calibration error, 0..1: the mean distance of the bins' shares from their scores; None: too few rows."""
    ece_ci_low: float | None
    """95 % bootstrap interval, corrected for the upward bias that noise gives to absolute values."""
    ece_ci_high: float | None
    brier: float | None
    """Mean squared error = reliability − resolution + uncertainty (+ what differs within bins)."""
    reliability: float | None
    """Part of the Brier score that comes from miscalibration; 0 is best."""
    resolution: float | None
    """Part that the model's telling rows apart takes away; more is better."""
    uncertainty: float | None
    """Share × (1 − share) of label 1: what no model can help."""
    slope: float | None
    """Cox's calibration slope; under 1 the scores are too extreme, above 1 too timid. None: not estimable."""
    slope_ci_low: float | None
    slope_ci_high: float | None
    intercept: float | None
    """Cox's calibration in the large, in log-odds; above 0 the scores are too low."""
    intercept_ci_low: float | None
    intercept_ci_high: float | None
    state: State
    """`watch`: slope or intercept are not what they should be, beyond chance; `pending`: no window is mature yet."""
