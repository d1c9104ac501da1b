"""The charter's fields. Every one has a default that is safe, or is required; unknown keys are refused."""

from __future__ import annotations

import hashlib
from typing import Annotated, Literal
from zoneinfo import available_timezones

from pydantic import Field, ValidationInfo, field_validator, model_validator

from loop_core.charter.comparing import ComparePlan
from loop_core.charter.contract import RESERVED, Column, Contract, Gates, Rule
from loop_core.charter.firing import never_fires
from loop_core.charter.labels import Labels, labels_misfit
from loop_core.charter.metric import METRICS_OF, SHARES, WATCHED_OF, Costs, Metric
from loop_core.charter.mutations import Mutation, misfit
from loop_core.charter.part import (
    EXPRESSION_LENGTH,
    ITEMS,
    ROWS,
    VALUE,
    BesideError,
    ClassName,
    Name,
    Part,
    People,
    Person,
    added,
    is_on_record,
)
from loop_core.charter.plans import AlertPlan, MonitorPlan, QueryPlan, RetrainPlan, Rollout, TriggerPlan
from loop_core.people import among
from loop_core.vocabulary import Task


class About(Part):
    """`[loop]`: which model this is about."""

    name: Name
    """What commands and files call the loop."""
    title: str
    """As people read it, e.g. in headings."""
    purpose: str
    """The question the model answers, in one sentence."""
    task: Task = Task.BINARY
    """What the model predicts: yes or no, one of several classes, or a number."""
    positive: str = "yes"
    """Binary: what label 1 means, e.g. "late"."""
    classes: tuple[ClassName, ...] = ()
    """Multiclass: the labels there are. Each has a column `score_<class>` in the predictions, its probability; outcomes
    name it. New ones go to the end, because labels are stored by place."""
    unit: str = ""
    """Regression: the unit of label and prediction, e.g. "rides"."""
    timezone: str | None = None
    """Zone of source times that carry none; without it such times are refused."""
    clock: Literal["wall", "data"] = "wall"
    """`data`: this loop replays the past, its present is the newest thing seen; `wall`: its present is now."""

    @field_validator("timezone")
    @classmethod
    def _known(cls, name: str | None) -> str | None:
        if name is not None and name not in available_timezones():
            raise ValueError(f"timezone = {name!r} is no zone of the IANA list, e.g. America/Sao_Paulo")
        return name

    @model_validator(mode="after")
    def _classes_of_the_task(self) -> About:
        if (self.task is Task.MULTICLASS) != bool(self.classes):
            raise ValueError(
                f"task = {self.task.value!r} with {len(self.classes)} classes; `classes` lists two or more for multiclass, and nothing else has any"
            )
        if self.task is Task.MULTICLASS and len(set(self.classes)) < max(2, len(self.classes)):
            raise ValueError(f"classes = {list(self.classes)}: at least two, no two the same")
        return self

    def label_word(self, label: float) -> str:
        """A stored label as people say it: `late`, a class, or a number with its unit.

        >>> About(name="a", title="A", purpose="?", task="multiclass", classes=("gold", "tin")).label_word(1.0)
        'tin'
        """
        if self.task is Task.MULTICLASS:
            return self.classes[int(label)]
        if self.task is Task.REGRESSION:
            return f"{label:g} {self.unit}".strip()
        return self.positive if label == 1 else f"not {self.positive}"


class Roles(Part):
    """`[roles]`: who answers for the loop."""

    owner: Person
    """Who answers for the loop, and is asked where nobody else is named."""
    approvers: People = ()
    """Who may approve a release; empty: anybody but the one who proposed it."""


class Goal(Part):
    """`[[goals]]`: what success is."""

    text: str
    """In a sentence, as model cards show it."""
    metric: str | None = None
    """Name of the metric it is about; on record, nothing acts by it."""
    target: Annotated[float, VALUE] | None = None
    """Value of that metric which is wanted; on record, nothing acts by it."""


class Cohort(Part):
    """`[[cohorts]]`: a declared group: a column, or an expression over columns, cut into its values."""

    name: Name
    """A column, or a new name for the `expression`."""
    expression: Annotated[str, Field(min_length=1, max_length=5 * EXPRESSION_LENGTH)] | None = None
    """SQL over features and context; None: the column of the same name."""
    protected: bool = False
    """True: comparisons tell how far its values lie apart, see `fairness_margin`."""
    min_rows: Annotated[int, ROWS] = Field(default=200, ge=1)
    """Values with fewer rows in a comparison are shown but get no verdict."""
    max_values: Annotated[int, ITEMS] = Field(default=50, ge=1)
    """The largest this many values are kept apart; the rest is `(other)`."""
    must_decide: bool = False
    """True: a release is held while a value with enough rows is `inconclusive`; else that is said and holds nothing."""

    @property
    def sql(self) -> str:
        """The cohort's value as SQL text, null spelled `(null)`."""
        # A column may be called like a word of SQL.
        column = self.expression or f'"{self.name}"'
        # A comment at its end would take the bracket with it.
        column += "\n" if "--" in column else ""
        return f"coalesce(cast(({column}) as varchar), '(null)')"


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
    costs: Costs | None = None
    cohorts: tuple[Cohort, ...] = ()
    metrics: tuple[Metric, ...] = Field(min_length=1)
    monitor: MonitorPlan = MonitorPlan()
    alerts: AlertPlan = AlertPlan()
    triggers: tuple[TriggerPlan, ...] = ()
    retrain: RetrainPlan = RetrainPlan()
    compare: ComparePlan = ComparePlan()
    mutations: tuple[Mutation, ...] = ()
    rollout: Rollout = Rollout()
    queries: QueryPlan = added(QueryPlan())

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
    def watched(self) -> tuple[Metric, ...]:
        """The metrics that windows are watched by; the others are for comparisons."""
        return tuple(metric for metric in self.metrics if metric.name in WATCHED_OF[self.loop.task])

    @property
    def threshold(self) -> float | None:
        """From this probability on yes is the cheaper answer (Elkan 2001); None: no `[costs]`."""
        if self.costs is None:
            return None
        return self.costs.false_alarm / (self.costs.false_alarm + self.costs.miss)

    @property
    def operating_point(self) -> float:
        """From this probability on the answer is yes: by `[costs]`, or else more likely than not."""
        return 0.5 if self.threshold is None else self.threshold

    @property
    def score_columns(self) -> tuple[str, ...]:
        """Columns of a prediction that hold what the model said: one probability or number, or one for each class."""
        return tuple(f"score_{name}" for name in self.loop.classes) or ("score",)

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
    def _columns_are_distinct(self) -> Charter:
        names = [c.name for c in self.columns]
        for name in names:
            if name in RESERVED or name in self.score_columns:
                raise ValueError(f"column {name!r} is a reserved name; rename it and map it under [contract]")
            if names.count(name) > 1:
                raise ValueError(f"column {name!r} is declared twice")
        return self

    @model_validator(mode="after")
    def _cohorts_are_there(self) -> Charter:
        names = [c.name for c in self.columns]
        for cohort in self.cohorts:
            if cohort.expression is None and cohort.name not in names:
                raise ValueError(
                    f"cohort {cohort.name!r} is no column and has no expression; columns: {', '.join(names)}"
                )
        for name in self.retrain.cohort_weights:
            if name not in [cohort.name for cohort in self.cohorts]:
                raise ValueError(f"retrain.cohort_weights names {name!r}, which is no declared cohort")
        for pair in self.compare.cohort_pairs:
            for name in pair:
                if name not in [cohort.name for cohort in self.cohorts]:
                    raise ValueError(f"compare.cohort_pairs names {name!r}, which is no declared cohort")
            if pair[0] == pair[1]:
                raise ValueError(f"compare.cohort_pairs crosses {pair[0]!r} with itself")
        return self

    @model_validator(mode="after")
    def _parts_fit_the_task(self) -> Charter:
        if self.costs and self.loop.task is not Task.BINARY:
            raise ValueError(f"[costs] are of a yes/no model, and task is {self.loop.task.value!r}")
        if wrong := labels_misfit(self.labels, self.loop.task, self.context):
            raise ValueError(wrong)
        if wrong := misfit(self.mutations, self.features, self.context, self.loop.task):
            raise ValueError(wrong)
        if (self.compare.fairness_margin or 0) > 1 and self.loop.task is not Task.REGRESSION:
            raise ValueError(
                f"compare.fairness_margin = {self.compare.fairness_margin:g}; gaps of shares are at most 1"
            )
        return self

    @model_validator(mode="after")
    def _metrics_fit_the_task(self) -> Charter:
        for metric in self.metrics:
            if metric.name not in METRICS_OF[self.loop.task]:
                raise ValueError(
                    f"metric {metric.name!r} says nothing of task {self.loop.task.value!r}; it has: {', '.join(METRICS_OF[self.loop.task])}"
                )
        if self.metrics[0].name not in WATCHED_OF[self.loop.task]:
            raise ValueError(
                f"the first metric is the one that is tuned and watched, and {self.metrics[0].name!r} only compares; put one of {', '.join(WATCHED_OF[self.loop.task])} first"
            )
        if self.costs is None and "cost" in [metric.name for metric in self.metrics]:
            raise ValueError("metric 'cost' needs to know what a wrong answer costs; declare [costs]")
        for metric in self.metrics:
            if metric.quantile is not None and metric.name != "pinball":
                raise ValueError(f"metric {metric.name!r} has no quantile; that is of 'pinball'")
        return self

    @model_validator(mode="after")
    def _releases_can_be_approved(self, info: ValidationInfo) -> Charter:
        who, needed = self.roles.approvers, self.rollout.approvals
        if who and needed > len(who) and not is_on_record(info):
            raise BesideError(
                f"rollout.approvals = {needed} is more than the {len(who)} who may approve: {', '.join(who)}; "
                "lower it, or name more approvers",
                "rollout", "approvals",
            )  # fmt: skip
        # The owner is the one besides approvers whom a charter names, and nobody approves a proposal of their own.
        if 1 < needed == len(who) and among(self.roles.owner, who) is not None and not is_on_record(info):
            raise BesideError(
                f"rollout.approvals = {needed} needs every approver ({', '.join(who)}), so nobody named here is left to propose: "
                "the owner approves too; lower it, or name one more approver",
                "rollout", "approvals",
            )  # fmt: skip
        return self

    @property
    def remarks(self) -> tuple[str, ...]:
        """What a reader of a valid charter should know."""
        who, needed = self.roles.approvers, self.rollout.approvals
        if not who or needed < len(who):
            return ()
        return (
            f"A release needs every approver ({', '.join(who)}), and nobody approves a proposal of their own: "
            "let somebody else propose, or name one more approver.",
        )

    @model_validator(mode="after")
    def _margins_can_be_exceeded(self, info: ValidationInfo) -> Charter:
        for place, metric in enumerate(self.metrics):
            most = max(metric.margin, metric.cohort_margin or 0)
            if metric.name in SHARES and most > 1 and not is_on_record(info):
                sentence = f"a margin of {most:g} is never exceeded, because {metric.name} lies between 0 and 1"
                raise BesideError(sentence, "metrics", place, "margin")
        return self

    @model_validator(mode="after")
    def _triggers_can_fire(self) -> Charter:
        if why := never_fires(self, self.triggers):
            raise ValueError(why)
        return self

    @model_validator(mode="after")
    def _names_are_known_and_distinct(self) -> Charter:
        names = [c.name for c in self.columns]
        for column in self.gates.predictions.max_null_share:
            if column not in names and column not in RESERVED:
                raise ValueError(f"gates.predictions.max_null_share names {column!r}, which is no column")
        for group in (self.cohorts, self.metrics, self.rules):
            inner = [item.name for item in group]
            for name in inner:
                if inner.count(name) > 1:
                    raise ValueError(f"{type(group[0]).__name__.lower()} {name!r} is declared twice")
        return self
