"""The charter's fields. Every one has a default that is safe, or is required; unknown keys are refused."""

from __future__ import annotations

import hashlib
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from loop_core.vocabulary import Signal, Task, Tier

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
Share = Annotated[float, Field(ge=0, le=1)]

#: Columns every prediction has; features and context may not reuse these names.
RESERVED = frozenset(
    [
        "prediction_id",
        "entity_id",
        "predicted_at",
        "model_version",
        "route",
        "score",
        "latency_ms",
        "error",
        "batch_id",
        "label",
        "observed_at",
        "source",
        "due_at",
        "mature",
        "known_at",
        "feedback_id",
        "given_at",
        "user_id",
        "kind",
        "rating",
        "comment",
    ]
)


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())


class About(Part):
    """`[loop]`: which model this is about."""

    name: Name
    title: str
    purpose: str
    """The question the model answers, in one sentence."""
    task: Task = Task.BINARY
    positive: str = "yes"
    """What label 1 means, e.g. "late"."""
    timezone: str | None = None
    """Zone of source times that carry none; without it such times are refused."""
    clock: Literal["wall", "data"] = "wall"
    """`data`: this loop replays the past, its present is the newest thing seen; `wall`: its present is now."""


class Roles(Part):
    """`[roles]`: who answers for the loop."""

    owner: str
    approvers: tuple[str, ...] = ()
    """Who may approve a release; empty: anybody but the one who proposed it."""


class Goal(Part):
    """`[[goals]]`: what success is."""

    text: str
    metric: str | None = None
    target: float | None = None


class SignalContract(Part):
    """`[contract.predictions]` and so on: how a source's rows become this signal."""

    columns: dict[str, str] = Field(default_factory=dict)
    """Our column name = the source's column name, where they differ."""
    ignore: tuple[str, ...] = ()
    """Source columns that are left out on purpose; `"*"`: all that the charter does not know. Others are refused."""
    on_conflict: Literal["report", "update"] = "report"
    """The same id with other content: refuse and report it, or let the newer row replace the older."""


class Contract(Part):
    predictions: SignalContract = SignalContract()
    outcomes: SignalContract = SignalContract()
    feedback: SignalContract = SignalContract()

    def of(self, signal: Signal) -> SignalContract:
        contract: SignalContract = getattr(self, signal.value)
        return contract


class Column(Part):
    """`[[features]]` (model inputs) and `[[context]]` (known at prediction time, not an input)."""

    name: Name
    type: Literal["number", "category", "flag", "timestamp", "text"]
    min: float | None = None
    max: float | None = None
    values: tuple[str, ...] = ()
    """Allowed categories; empty: any."""
    nullable: bool = True
    unit: str | None = None
    monotone: Literal[-1, 0, 1] = 0
    """+1: the score may only rise with this number; -1: only fall."""
    about: str = ""


class Rule(Part):
    """`[[rules]]`: a row rule; rows for which `check` is false go to the quarantine under `name`."""

    name: Name
    signal: Signal
    check: str
    """A boolean SQL expression over the signal's columns; null counts as passed."""


class BatchRules(Part):
    """`[gates.predictions]` and so on: what a whole batch must satisfy, else it is stopped or marked."""

    min_rows: int | None = Field(default=None, ge=0)
    max_rows: int | None = Field(default=None, ge=0)
    max_age_days: float | None = Field(default=None, gt=0)
    """The newest row may not be older than this at arrival."""
    max_duplicate_share: Share | None = None
    max_quarantine_share: Share = 0.5
    """More than this share failing row rules says the batch, not the rows, is wrong: it is stopped."""
    on_breach: Literal["stop", "warn"] = "stop"


class Gates(Part):
    predictions: BatchRules = BatchRules()
    outcomes: BatchRules = BatchRules()
    feedback: BatchRules = BatchRules()

    def of(self, signal: Signal) -> BatchRules:
        rules: BatchRules = getattr(self, signal.value)
        return rules


class Labels(Part):
    """`[labels]`: when a label counts as known."""

    horizon_days: float = Field(gt=0)
    """A prediction without a label is mature, and without label for good, this long after it was made."""
    min_mature_share: Share = 0.99
    """A window's realised metric is reported from this share of mature predictions on; before, it is pending. The last
    labels to come are the bad ones more often than not: on Olist's orders, weeks first read at 0.9 understate the late
    rate by 39 %, at 0.98 by 10 %, at 0.99 by 5 %."""


class Cohort(Part):
    """`[[cohorts]]`: a declared group: a column, or an expression over columns, cut into its values."""

    name: Name
    expression: str | None = None
    """SQL over features and context; None: the column of the same name."""
    protected: bool = False
    min_rows: int = Field(default=200, ge=1)
    """Values with fewer rows in a comparison are shown but get no verdict."""
    max_values: int = Field(default=50, ge=1)
    """The largest this many values are kept apart; the rest is `(other)`."""

    @property
    def sql(self) -> str:
        """The cohort's value as SQL text, null spelled `(null)`."""
        return f"coalesce(cast(({self.expression or self.name}) as varchar), '(null)')"


class Metric(Part):
    """`[[metrics]]`: what comparisons and windows measure."""

    name: Literal["log_loss", "brier", "auc"]
    block: Literal["goal", "guardrail", "signal"] = "goal"
    """Goal and guardrail metrics hold a release; signals are shown only."""
    margin: float = Field(gt=0)
    """Non-inferiority margin in the metric's own unit: losing less than this counts as not worse."""
    cohort_margin: float | None = Field(default=None, gt=0)
    """Margin inside cohorts; None: twice `margin`."""

    def margin_for(self, cohort: str | None) -> float:
        """Margin overall (`None`) or inside a cohort."""
        return self.margin if cohort is None else self.cohort_margin or 2 * self.margin


class MonitorPlan(Part):
    """`[monitor]`: window sizes and thresholds."""

    window_days: int = Field(default=7, ge=1)
    reference_days: int = Field(default=90, ge=1)
    min_rows: int = Field(default=50, ge=1)
    """Windows with fewer rows are `pending`: not enough data."""
    psi_watch: float = Field(default=0.1, gt=0)
    psi_alarm: float = Field(default=0.2, gt=0)
    alarm_share: Share = 0.05
    """Chance that one quiet window of one feature is called drifted; sets the threshold learned per window size."""
    latency_p95_ms: float | None = Field(default=None, gt=0)
    max_error_share: Share = 0.02
    min_rating_drop: float = Field(default=0.3, gt=0)


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


class Charter(Part):
    """One loop, declared. Build it with `load_charter`/`parse_charter`, which know the lines of the file."""

    loop: About
    roles: Roles
    goals: tuple[Goal, ...] = ()
    contract: Contract = Contract()
    features: tuple[Column, ...] = Field(min_length=1)
    context: tuple[Column, ...] = ()
    rules: tuple[Rule, ...] = ()
    gates: Gates = Gates()
    labels: Labels
    cohorts: tuple[Cohort, ...] = ()
    metrics: tuple[Metric, ...] = Field(min_length=1)
    monitor: MonitorPlan = MonitorPlan()
    triggers: tuple[TriggerPlan, ...] = ()
    retrain: RetrainPlan = RetrainPlan()
    rollout: Rollout = Rollout()

    @property
    def name(self) -> str:
        return self.loop.name

    @property
    def columns(self) -> tuple[Column, ...]:
        """Features, then context: everything known at prediction time."""
        return self.features + self.context

    @property
    def feature_names(self) -> tuple[str, ...]:
        return tuple(f.name for f in self.features)

    @property
    def hash(self) -> str:
        """sha256 of the canonical content: comments and layout do not change it."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()

    def cohort(self, name: str) -> Cohort:
        """The declared cohort of that name; UnknownNameError lists them."""
        from loop_core.errors import UnknownNameError

        for cohort in self.cohorts:
            if cohort.name == name:
                return cohort
        raise UnknownNameError("cohort", name, [c.name for c in self.cohorts])

    @model_validator(mode="after")
    def _consistent(self) -> Charter:
        names = [c.name for c in self.columns]
        for name in names:
            if name in RESERVED:
                raise ValueError(f"column {name!r} is a reserved name; rename it and map it under [contract]")
            if names.count(name) > 1:
                raise ValueError(f"column {name!r} is declared twice")
        for cohort in self.cohorts:
            if cohort.expression is None and cohort.name not in names:
                raise ValueError(
                    f"cohort {cohort.name!r} is no column and has no expression; columns: {', '.join(names)}"
                )
        for group in (self.cohorts, self.metrics, self.rules):
            inner = [item.name for item in group]
            for name in inner:
                if inner.count(name) > 1:
                    raise ValueError(f"{type(group[0]).__name__.lower()} {name!r} is declared twice")
        if self.monitor.psi_watch >= self.monitor.psi_alarm:
            raise ValueError("monitor.psi_watch must be below monitor.psi_alarm")
        return self
