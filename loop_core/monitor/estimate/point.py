"""What an estimate of a metric says of one window."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from loop_core.vocabulary import State


@dataclass(frozen=True)
class EstimatedPoint:
    """One metric of one window, estimated from scores alone."""

    metric: str
    window_start: datetime
    window_end: datetime
    """Exclusive; windows go by the time of prediction."""
    cohort: str | None
    """Cohort name; None: everybody."""
    cohort_value: str | None
    model_version: str | None
    """Who scored the window, joined by ` + ` where several did."""
    value: float | None
    """The metric that the window's labels are expected to show; None: there is no estimate, and `note` says why."""
    ci_low: float | None
    """Lower end of the band: where 95 of 100 windows of so many rows fall by chance, if the assumption holds."""
    ci_high: float | None
    threshold_low: float | None
    """Three standard deviations below the mean of the reference's own windows; None: fewer than three of those."""
    threshold_high: float | None
    """Three above it."""
    n: int
    """Scored rows."""
    state: State
    """`alarm`: the whole band is beyond the threshold on the bad side; `watch`: the value is."""
    note: str = ""
    """The assumption, or why there is no estimate."""
