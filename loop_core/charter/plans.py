"""What the later stages do by themselves: monitor, alert, trigger, retrain, release."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from loop_core.charter.part import Part, Share
from loop_core.vocabulary import Tier


class MonitorPlan(Part):
    """`[monitor]`: window sizes and thresholds."""

    window_days: int = Field(default=7, ge=1)
    reference_days: int = Field(default=90, ge=1)
    min_rows: int = Field(default=50, ge=1)
    """Windows with fewer rows are `pending`: not enough data."""
    false_alarms_per_month: float = Field(default=1.0, gt=0, le=30)
    """The budget: so many drift alarms may a quiet month have, over all features and cohort values together. Thresholds follow from it."""
    alarm_times: int = Field(default=2, ge=1)
    """A feature alarms when this many …"""
    alarm_of: int = Field(default=3, ge=1)
    """… of its last so many windows moved beyond chance; once is enough where the change is too large to wait."""
    trend_windows: int = Field(default=4, ge=2)
    """Length of the long-term trend, in windows; the short-term one is a single window."""
    latency_p95_ms: float | None = Field(default=None, gt=0)
    max_error_share: Share = 0.02
    min_rating_drop: float = Field(default=0.3, gt=0)

    @model_validator(mode="after")
    def _persistence(self) -> MonitorPlan:
        if self.alarm_times > self.alarm_of:
            raise ValueError(
                f"alarm_times = {self.alarm_times} of alarm_of = {self.alarm_of} windows can never be reached"
            )
        return self


class AlertPlan(Part):
    """`[alerts]`: who is asked to act, and what happens when nobody does. Where messages go is no part of the charter
    but of the workspace (`alerts.toml`), because addresses hold secrets and the charter is on record for good."""

    owners: dict[str, str] = Field(default_factory=dict)
    """Stage or finding code = person, e.g. `drift = "bea"`; what is not listed goes to the loop's owner."""
    deliver_from: Literal["watch", "alarm"] = "alarm"
    """From which state on a finding becomes an alert."""
    escalate_after_days: float = Field(default=3, gt=0)
    """An alert that nobody acknowledged for so long is escalated …"""
    escalate_to: str | None = None
    """… to this person; None: the loop's owner."""


class TriggerPlan(Part):
    """`[[triggers]]`: a rule that says retrain or not."""

    kind: Literal["never", "every_week", "schedule", "drift"]
    tier: Tier = Tier.ROUTINE
    every_days: int | None = Field(default=None, ge=1)
    """`schedule`: days between retrains."""
    min_features: int | None = Field(default=None, ge=1)
    """`drift`: how many features must drift in the newest window."""
    cooldown_days: int = Field(default=0, ge=0)
    """Days after a retrain in which this trigger stays silent."""

    @model_validator(mode="after")
    def _needs(self) -> TriggerPlan:
        needed = {"schedule": "every_days", "drift": "min_features"}.get(self.kind)
        if needed and getattr(self, needed) is None:
            raise ValueError(f"a {self.kind} trigger needs `{needed}`")
        return self


class RetrainPlan(Part):
    """`[retrain]`: what a retrain may use."""

    window_days: int = Field(default=365, ge=7)
    comparison_days: int = Field(default=28, ge=1)
    """The newest mature days are kept from training and tuning, for the comparison."""
    folds: int = Field(default=3, ge=1, le=10)
    trials: int = Field(default=15, ge=1)
    seconds: float = Field(default=60, gt=0)
    worst_cohort_weight: float = Field(default=0.0, ge=0)
    min_rows: int = Field(default=500, ge=10)


class Rollout(Part):
    """`[rollout]`: how a release reaches everybody."""

    approvals: int = Field(default=1, ge=1)
    stages: tuple[Share, ...] = (1.0,)
    auto_rollback: bool = True
    """Roll back when the champion is `worse` than its predecessor on rows that matured since its promotion."""
    auto_release: bool = False
    """A cycle may propose, and a second automatic identity approve, a challenger that passed every gate."""
