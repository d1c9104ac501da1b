"""What the later stages do by themselves: monitor, alert, trigger, retrain, release."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from loop_core.charter.part import (
    AMOUNT,
    DAYS,
    ITEMS,
    MEGABYTES,
    MILLISECONDS,
    MONTH_SECONDS,
    PAST_DAYS,
    QUERY_SECONDS,
    ROWS,
    SECONDS,
    WEIGHT,
    WINDOW_DAYS,
    WINDOWS,
    Name,
    Part,
    People,
    Person,
    Share,
    added,
)
from loop_core.charter.space import SearchSpace
from loop_core.vocabulary import Tier


class MonitorPlan(Part):
    """`[monitor]`: window sizes and thresholds."""

    window_days: Annotated[int, WINDOW_DAYS] = Field(default=7, ge=1)
    """Length of a window: what is judged in one."""
    reference_days: Annotated[int, DAYS] = Field(default=90, ge=1)
    """Length of the span that says what is usual."""
    min_rows: Annotated[int, ROWS] = Field(default=50, ge=1)
    """Windows with fewer rows are `pending`: not enough data."""
    false_alarms_per_month: float = Field(default=1.0, gt=0, le=30)
    """The budget: so many drift alarms may a quiet month have, over all features and cohort values together. Thresholds follow from it."""
    min_shift: float = added(0.1, ge=0, le=10)
    """The smallest move worth an alarm, in standard deviations of the reference; of other changes (shape, tails, categories)
    one with the PSI of such a shift, its square. A smaller one, however certain, is `watch`."""
    alarm_times: Annotated[int, WINDOWS] = Field(default=2, ge=1)
    """A feature alarms when this many …"""
    alarm_of: Annotated[int, WINDOWS] = Field(default=3, ge=1)
    """… of its last so many windows moved beyond chance; once is enough where the change is too large to wait."""
    trend_windows: Annotated[int, WINDOWS] = Field(default=4, ge=2)
    """Length of the long-term trend, in windows; the short-term one is a single window."""
    latency_p95_ms: Annotated[float, MILLISECONDS] | None = Field(default=None, gt=0)
    """From this latency of 95 of 100 answers on, in milliseconds, there is an alarm; None: at most a watch, by what is usual."""
    max_error_share: Share = 0.02
    """At most this share of predictions may be errors."""
    min_rating_drop: Annotated[float, AMOUNT] = Field(default=0.3, gt=0)
    """By so much must the mean rating fall below what is usual to alarm."""

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

    owners: dict[str, Person] = Field(default_factory=dict)
    """Stage or finding code = person, e.g. `drift = "bea"`; what is not listed goes to the loop's owner."""
    deliver_from: Literal["watch", "alarm"] = "alarm"
    """From which state on a finding becomes an alert."""
    escalate_after_days: Annotated[float, DAYS] = Field(default=3, gt=0)
    """An alert that nobody acknowledged for so long is escalated …"""
    escalate_to: Person | None = None
    """… to this person; None: the loop's owner."""


class TriggerPlan(Part):
    """`[[triggers]]`: a rule that says retrain or not. Any of a charter's triggers starts a retrain."""

    kind: Literal[
        "never", "every_week", "schedule", "drift", "performance", "feedback", "label_volume", "urgent", "any", "all"
    ]
    """What it looks at; `any` and `all` are made of others (`of`)."""
    tier: Tier | None = None
    """How urgent its call is; None: that of its kind: `drift`, `performance` and `feedback` are events, `urgent` is urgent, others are
    routine, and `any` and `all` are as their parts."""
    asks: People = ()
    """People who are asked when it fires; empty: by its tier, the loop's owner and, if urgent, its approvers."""
    every_days: int | None = Field(default=None, ge=1, le=3650)
    """`schedule`: days between retrains, by their UTC dates; this or `cron`."""
    cron: str | None = None
    """`schedule`: minute, hour, day of month, month, day of week, in UTC: `0 6 1 * *` is 06:00 on the first of a month."""
    min_features: Annotated[int, ITEMS] | None = Field(default=None, ge=1)
    """`drift`: how many features must be in alarm in the newest window."""
    metric: str | None = None
    """`performance`: name of one metric; None: all of the charter's."""
    basis: Literal["realised", "estimated", "either"] = "realised"
    """`performance`: by the labels that are in, as estimated from scores, or whichever tells first."""
    min_rise: Annotated[float, AMOUNT] | None = Field(default=None, gt=0)
    """`performance`: how much worse than usual, in the metric's own unit; None: the monitor's alarm decides."""
    max_low_share: Share | None = None
    """`feedback`: from this share (0..1) of ratings of two or less on; None: only the monitor's alarm on the mean rating."""
    min_labels: Annotated[int, ROWS] | None = Field(default=None, ge=1)
    """`label_volume`: rows whose labels matured since the last retrain."""
    of: tuple[TriggerPlan, ...] = ()
    """`any`, `all`: the triggers it is made of."""
    cooldown_days: Annotated[int, DAYS] = Field(default=0, ge=0)
    """Days after a retrain, by UTC dates, in which this trigger stays silent."""
    min_new_labels: Annotated[int, ROWS] = Field(default=0, ge=0)
    """Rows whose labels must have matured since the last retrain before it may fire."""
    seconds_per_month: Annotated[float, MONTH_SECONDS] | None = Field(default=None, gt=0)
    """Seconds of search that retrains may be granted in a calendar month (UTC); silent where the next one could overrun it.
    None: no limit of its own."""

    @property
    def urgency(self) -> Tier:
        """Its tier, or the one of its kind; of `all`, that of its most urgent part. An `any` without a tier fires as
        urgently as the part that did."""
        events = ("drift", "performance", "feedback")
        usual = Tier.URGENT if self.kind == "urgent" else Tier.EVENT if self.kind in events else Tier.ROUTINE
        if self.kind == "all":
            usual = max((part.urgency for part in self.of), key=list(Tier).index)
        return self.tier or usual

    @property
    def with_parts(self) -> tuple[TriggerPlan, ...]:
        """Itself, and the triggers it is made of, and theirs."""
        return (self, *(inner for part in self.of for inner in part.with_parts))

    @model_validator(mode="after")
    def _needs(self) -> TriggerPlan:
        needed = {"drift": "min_features", "label_volume": "min_labels", "any": "of", "all": "of"}.get(self.kind)
        if needed and not getattr(self, needed):
            raise ValueError(f"a trigger `{self.kind}` needs `{needed}`")
        if self.kind == "schedule" and (self.every_days is None) == (self.cron is None):
            raise ValueError("a trigger `schedule` needs `every_days` or `cron`, and not both")
        for name, kinds in _ONLY_FOR.items():
            if self.kind not in kinds and name in self.model_fields_set:
                raise ValueError(f"`{name}` means nothing to a trigger `{self.kind}`; it is for {', '.join(kinds)}")
        if self.min_rise is not None and self.metric is None:
            raise ValueError("`min_rise` is in a metric's own unit, so `metric` must say which")
        if self.cron is not None:
            _refuse_if_never(self.cron)
        return self


class TriggerFile(Part):
    """A policy in a file of its own, to be tried before it is put into a charter."""

    triggers: tuple[TriggerPlan, ...] = Field(min_length=1)


#: Field of a trigger → the kinds that know it.
_ONLY_FOR = {
    "every_days": ("schedule",),
    "cron": ("schedule",),
    "min_features": ("drift",),
    "metric": ("performance",),
    "basis": ("performance",),
    "min_rise": ("performance",),
    "max_low_share": ("feedback",),
    "min_labels": ("label_volume",),
    "of": ("any", "all"),
}


def _refuse_if_never(line: str) -> None:
    """ValueError for what is no cron line, and for one that no calendar ever meets."""
    from cronsim import CronSim, CronSimError

    wanted = "five fields are wanted (minute, hour, day of month, month, day of week), e.g. `0 6 1 * *`"
    if len(line.split()) != 5:
        raise ValueError(f"cron = {line!r} is no cron line: {wanted}")
    try:
        next(CronSim(line, datetime(2024, 1, 1, tzinfo=UTC)))
    except CronSimError as error:
        raise ValueError(f"cron = {line!r} never fires ({str(error).lower()}): {wanted}") from None
    except StopIteration:
        raise ValueError(f"cron = {line!r} never fires: no day of fifty years meets it") from None


class RetrainPlan(Part):
    """`[retrain]`: what a retrain may use."""

    window_days: Annotated[int, PAST_DAYS] = Field(default=365, ge=7)
    """A model is trained on the rows of so many days."""
    comparison_days: Annotated[int, DAYS] = Field(default=28, ge=1)
    """The newest mature days are kept from training and tuning, for the comparison."""
    folds: int = Field(default=3, ge=1, le=10)
    """Every trial is tried on so many spans of time, each behind what it was trained on."""
    trials: Annotated[int, ITEMS] = Field(default=15, ge=1)
    """At most so many trials of the search …"""
    seconds: Annotated[float, SECONDS] = Field(default=60, gt=0)
    """… and so many wall-clock seconds of the whole retrain, whichever ends first."""
    month_seconds: Annotated[float, MONTH_SECONDS] | None = Field(default=None, gt=0)
    """What all retrains of a calendar month may take together; None: there is no limit."""
    patience: Annotated[int, ITEMS] = Field(default=12, ge=2)
    """The search ends when so many complete trials brought nothing better."""
    memory_mb: Annotated[int, MEGABYTES] = Field(default=4_000, ge=200)
    """Memory that its trials may allocate; one that wants more fails, and the search goes on."""
    half_life_days: Annotated[float, PAST_DAYS] | None = Field(default=None, ge=1)
    """A training row so much older than the newest counts half; None: age does not matter."""
    cohort_weights: dict[Name, dict[str, Annotated[float, Field(gt=0), WEIGHT]]] = Field(default_factory=dict)
    """Declared cohort = how much rows of its values count, e.g. `customer_state = { SP = 2 }`; those not named count 1."""
    balanced: bool = False
    """Every class counts the same in all, however rare; probabilities then need their calibration."""
    worst_cohort_weight: Annotated[float, WEIGHT] = Field(default=0.0, ge=0)
    """λ: by how much of the worst cohort's loss the search's objective is raised."""
    min_rows: Annotated[int, ROWS] = Field(default=500, ge=10)
    """With fewer mature rows nothing is trained."""
    executor: str = "local"
    """Where trials run: `local`, one after another on this machine; or `dask://HOST:PORT`, side by side on the workers of
    the Dask scheduler there."""
    space: SearchSpace = SearchSpace()

    @field_validator("executor")
    @classmethod
    def _place(cls, place: str) -> str:
        if place != "local" and not re.fullmatch(r"dask://([\w.-]+|\[[0-9a-fA-F:.]+\]):\d{1,5}", place):
            raise ValueError(f"executor = {place!r} is neither `local` nor `dask://HOST:PORT`, a scheduler's address")
        return place

    @model_validator(mode="after")
    def _possible(self) -> RetrainPlan:
        if self.month_seconds is not None and self.month_seconds < self.seconds:
            raise ValueError(
                f"month_seconds = {self.month_seconds:g} is less than seconds = {self.seconds:g}: no retrain could ever start"
            )
        leaf = self.space.min_data_in_leaf
        if leaf and 2 * leaf[0] > self.min_rows:
            raise ValueError(
                f"min_data_in_leaf of at least {leaf[0]} can split no tree of min_rows = {self.min_rows} rows; "
                "lower the one or raise the other"
            )
        return self


class QueryPlan(Part):
    """`[queries]`: what one query of a person may take, in `loop sql`, notebooks and recipes."""

    seconds: Annotated[float, QUERY_SECONDS] = Field(default=60, gt=0)
    """Wall-clock seconds; `--seconds` of a command goes before it."""
    memory_mb: Annotated[int, MEGABYTES] = Field(default=1_000, ge=100)
    """Megabytes of memory; `--memory-mb` of a command goes before it."""


class Rollout(Part):
    """`[rollout]`: how a release reaches everybody."""

    approvals: Annotated[int, ITEMS] = Field(default=1, ge=1)
    """So many people must approve, none of them the one who proposed."""
    stages: tuple[Share, ...] = (1.0,)
    """Shares of traffic by which to release; on record, nothing acts by it: Loopbench routes no traffic."""
    auto_rollback: bool = True
    """Roll back when the champion is `worse` than its predecessor on rows that matured since its promotion."""
    auto_release: bool = False
    """A cycle may propose, and a second automatic identity approve, a challenger that passed every gate."""
