"""What enters the loop: columns, how sources are mapped to them, and the rules rows and batches must satisfy."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator, model_validator

from loop_core.charter.part import EXPRESSION_LENGTH, PAST_DAYS, ROWS, VALUE, Name, Part, Share, added, is_on_record
from loop_core.vocabulary import Signal

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


Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class SignalContract(Part):
    """`[contract.predictions]` and so on: how a source's rows become this signal."""

    columns: dict[str, str] = Field(default_factory=dict)
    """Our column name = the source's column name, where they differ."""
    ignore: tuple[str, ...] = ()
    """Source columns that are left out on purpose; `"*"`: all that the charter does not know. Others are refused."""
    time_format: str | dict[str, str] | None = added(None)
    """How times are written that are neither ISO nor 31.12.2024: a strptime format ("%d/%m/%Y %H:%M"), "epoch_s" or
    "epoch_ms"; or our column = its format, where they differ."""
    decimal: Literal[",", "."] | None = added(None)
    """The decimal mark of texts; None: a comma counts where it can only be decimal."""
    true_values: tuple[str, ...] = added(())
    """Words that mean true, besides true, t, yes, y and 1; in any case."""
    false_values: tuple[str, ...] = added(())
    """Words that mean false, besides false, f, no, n and 0; in any case."""
    on_conflict: Literal["report", "update"] = "report"
    """The same id with other content: refuse and report it, or let the newer row replace the older."""

    def time_format_of(self, column: str) -> str | None:
        """The format of one of our columns; None: none was declared."""
        return self.time_format.get(column) if isinstance(self.time_format, dict) else self.time_format

    @field_validator("time_format")
    @classmethod
    def _is_format(cls, given: str | dict[str, str] | None) -> str | dict[str, str] | None:
        for format in given.values() if isinstance(given, dict) else [given] if given else []:
            if format not in ("epoch_s", "epoch_ms") and not {"%d", "%m"} <= set(re.findall(r"%-?[a-zA-Z]", format)):
                raise ValueError(
                    f'{format!r} is not a time format; write e.g. "%d/%m/%Y %H:%M", "epoch_s" or "epoch_ms"'
                )
        return given

    @model_validator(mode="after")
    def _flags_differ(self) -> SignalContract:
        yes, no = ({v.strip().lower() for v in values} for values in (self.true_values, self.false_values))
        if both := sorted(yes & no):
            raise ValueError(f"{both[0]!r} stands in true_values and in false_values; leave it in one")
        return self


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
    """As the lake stores it; `[contract.predictions]` maps it to another name in the source."""
    type: Literal["number", "category", "flag", "timestamp", "text"]
    """What values it has, see the types above."""
    min: Annotated[float, VALUE] | None = None
    """Numbers: smaller ones go to the quarantine as `<column>.min`."""
    max: Annotated[float, VALUE] | None = None
    """Numbers: larger ones go to the quarantine as `<column>.max`."""
    values: tuple[str, ...] = ()
    """Allowed categories, others go to the quarantine as `<column>.values`; empty: any."""
    nullable: bool = True
    """False: rows without a value go to the quarantine as `<column>.missing`."""
    unit: str | None = None
    """Unit of its values, e.g. "kg"; comparisons see whether it is still the one of the training."""
    monotone: Literal[-1, 0, 1] = 0
    """+1: the score may only rise with this number; -1: only fall."""
    about: str = ""
    """What it is, for people."""

    @model_validator(mode="after")
    def _bounds_hold_something(self, info: ValidationInfo) -> Column:
        if self.min is not None and self.max is not None and self.min > self.max and not is_on_record(info):
            raise ValueError(f"min = {self.min:g} is above max = {self.max:g}, so every value would be refused")
        return self


class Rule(Part):
    """`[[rules]]`: a row rule; rows for which `check` is false go to the quarantine under `name`."""

    name: Name
    """The quarantine keeps rows under it."""
    signal: Signal
    """Whose rows it judges."""
    check: Annotated[str, Field(min_length=1, max_length=EXPRESSION_LENGTH)]
    """A boolean SQL expression over the signal's columns; null counts as passed."""


class BatchRules(Part):
    """`[gates.predictions]` and so on: what a whole batch must satisfy, else it is stopped or marked."""

    min_rows: Annotated[int, ROWS] | None = Field(default=None, ge=0)
    """A batch may not have fewer rows."""
    max_rows: Annotated[int, ROWS] | None = Field(default=None, ge=0)
    """A batch may not have more rows."""
    max_age_days: Annotated[float, PAST_DAYS] | None = Field(default=None, gt=0)
    """The newest row may not be older than this at arrival."""
    max_duplicate_share: Share | None = None
    """At most this share of its rows may repeat an id of the same batch."""
    max_quarantine_share: Share = 0.5
    """More than this share failing row rules says the batch, not the rows, is wrong: it is stopped."""
    max_null_share: dict[str, Share] = Field(default_factory=dict)
    """Column = the largest share of its values that may be null."""
    weekday_rows: dict[Weekday, tuple[Annotated[int, ROWS], Annotated[int, ROWS]]] = Field(default_factory=dict)
    """Weekday = fewest and most rows of a batch about one such day, e.g. `mon = [80, 400]`; days begin at midnight in the
    loop's timezone (UTC without one), and batches about several days are not judged by it."""
    on_breach: Literal["stop", "warn"] = "stop"
    """A batch that breaks one of the rules above: let nothing of it in, or say so."""
    on_anomaly: Literal["off", "warn", "stop"] = "warn"
    """A batch unlike the earlier ones of its source in volume, means or null shares: say so, or let nothing of it in."""

    @model_validator(mode="after")
    def _spans(self) -> BatchRules:
        for day, (low, high) in self.weekday_rows.items():
            if not 0 <= low <= high:
                raise ValueError(f"weekday_rows.{day} = [{low}, {high}] is no span: fewest rows first, then most")
        return self


#: The default of `gates.since`, and the earliest that may be declared: files' dates of 1970 stand for "not known".
SINCE, FIRST_SINCE = date(1990, 1, 1), date(1971, 1, 1)


def year_before(day: date) -> date:
    """The first of the month a year before a day: what is proposed as `gates.since` where rows begin on it.

    >>> year_before(date(2024, 1, 17)).isoformat()
    '2023-01-01'
    """
    return max(FIRST_SINCE, date(max(day.year - 1, 1), day.month, 1))


class Gates(Part):
    since: date = added(SINCE)
    """Nothing the loop is about happened before this day (UTC): such rows go to the quarantine as `<time>.too_old`."""
    predictions: BatchRules = BatchRules()
    outcomes: BatchRules = BatchRules()
    feedback: BatchRules = BatchRules()

    @field_validator("since")
    @classmethod
    def _in_living_memory(cls, day: date) -> date:
        if not FIRST_SINCE <= day < date(2200, 1, 1):
            raise ValueError(
                f"since = {day} does not lie from {FIRST_SINCE} to 2199-12-31; rows from that day on are let in"
            )
        return day

    def of(self, signal: Signal) -> BatchRules:
        rules: BatchRules = getattr(self, signal.value)
        return rules
