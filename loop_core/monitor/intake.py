"""What came in: how fresh each signal is, and which batches arrived."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from loop_core.labels import read_at
from loop_core.lake import Reading
from loop_core.vocabulary import Delivery, Signal, State
from loop_core.workspace import Loop

_TIMES = {Signal.PREDICTIONS: "predicted_at", Signal.OUTCOMES: "observed_at", Signal.FEEDBACK: "given_at"}


@dataclass(frozen=True)
class Intake:
    """One signal as of an instant."""

    signal: Signal
    rows: int
    """Rows known."""
    newest: datetime | None
    """When the newest happened; None: there is none."""
    age_days: float | None
    """Days between the newest row and `as_of`."""
    limit_days: float | None
    """`max_age_days` of the charter's gate; None: no limit."""
    state: State
    """`alarm` when older than the limit, `pending` without rows."""


@dataclass(frozen=True)
class BatchLine:
    """One delivery that arrived."""

    batch_id: str
    signal: Delivery
    source: str
    arrived_at: datetime
    actor: str
    received: int
    accepted: int
    quarantined: int
    unchanged: int
    conflicting: int
    state: str
    notes: str
    reason: str | None
    """Why it was retracted; None: it was not."""
    model_version: str | None = None
    """Of scores: the model that gave them; None: of a signal."""

    @property
    def why(self) -> str | None:
        """Why its rows are not in the lake: what stopped it, or the reason of its retraction; None: it was neither."""
        return self.notes if self.state == "stopped" else self.reason

    @property
    def kind(self) -> str:
        """What its rows are: `predictions`, or `scores of v2`."""
        return self.signal.value if self.model_version is None else f"{self.signal.value} of {self.model_version}"


def intake(loop: Loop, as_of: datetime) -> list[Intake]:
    """Freshness of predictions, outcomes and feedback, in that order."""
    reading = read_at(loop, as_of)
    return [_one(loop, reading, signal) for signal in Signal]


def batches(loop: Loop, as_of: datetime, limit: int = 200) -> list[BatchLine]:
    """Deliveries that had arrived by `as_of`, newest first."""
    found = read_at(loop, as_of).rows(
        """select batch_id, signal, source_name, arrived_at, actor, received, accepted, quarantined, unchanged, conflicting, state, notes, reason, model_version
        from batches where arrived_at <= $as_of order by arrived_at desc, batch_id limit $limit""",
        limit=limit,
    )
    return [BatchLine(row[0], Delivery(row[1]), *row[2:]) for row in found]


def _one(loop: Loop, reading: Reading, signal: Signal) -> Intake:
    rows, newest = reading.rows(f"select count(*), max({_TIMES[signal]}) from {signal.value}")[0]
    limit = loop.charter.gates.of(signal).max_age_days
    age = (reading.as_of - newest).total_seconds() / 86400 if newest else None
    late = age is not None and limit is not None and age > limit
    return Intake(signal, rows, newest, age, limit, State.PENDING if age is None else State.ALARM if late else State.OK)
