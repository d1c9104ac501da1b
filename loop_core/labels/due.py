"""Which predictions are due at an instant: verdicts rest on those, because labels that come early are no fair sample."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from loop_core.charter import Charter
from loop_core.lake import Reading
from loop_core.workspace import Loop


def due_until(charter: Charter, as_of: datetime) -> datetime:
    """UTC instant before which predictions were made that are due at `as_of`."""
    # One that was made exactly a horizon ago is due; the instants of the lake are whole microseconds.
    return as_of - timedelta(seconds=round(charter.labels.horizon_days * 86_400)) + timedelta(microseconds=1)


@dataclass(frozen=True)
class DueSpan:
    """The predictions from an instant on that are due at another, or why there are none."""

    start: datetime | None
    """That instant; None: all predictions are meant."""
    first: datetime | None
    """When the oldest of them was made, strays before the log (`Loop.span`) left out; None: none is due."""
    end: datetime
    """UTC instant before which they were made: just after the newest of them."""
    waiting: int
    """Predictions from that instant on that are not due; counted only where none is."""
    labelled: int
    """Of the waiting ones, those with a label already."""
    first_due: datetime | None
    """When the first of the waiting ones will be due; None: there is none."""
    earlier: datetime | None
    """When the oldest prediction was made that is due, whenever that was; None: no prediction is."""
    horizon_days: float

    @property
    def sentence(self) -> str:
        """What is missing where none is due, without a full stop."""
        if self.first_due is None:
            return f"No prediction was made from {self.start:%Y-%m-%d} on" if self.start else "There is no prediction"
        number = f"the {self.waiting:,} predictions" if self.waiting > 1 else "the only prediction"
        return (
            f"Of {number} made from {self.first_due - timedelta(days=self.horizon_days):%Y-%m-%d} on none is due: labels have"
            f" {self.horizon_days:g} days to come, so the first is due on {self.first_due:%Y-%m-%d}."
            f" {self.labelled:,} have a label already, and those that come early are no fair sample"
        )

    @property
    def seen(self) -> str:
        """What the predictions that are due have in common with training, where that is all of them."""
        if self.earlier is None or self.start is None:
            return ""
        last = min(self.end, self.start)
        return f"; those that are due, {self.earlier:%Y-%m-%d} to {last:%Y-%m-%d}, were seen in training"


_DUE = """
    select min(predicted_at) filter (predicted_at >= $start), min(predicted_at), max(predicted_at)
    from predictions where predicted_at < $end"""
_WAITING = """
    select count(*), count(*) filter (prediction_id in (select prediction_id from outcomes)), min(predicted_at)
    from predictions where predicted_at >= $first"""


def due_span(loop: Loop, as_of: datetime, start: datetime | None, snapshot: int | None = None) -> DueSpan:
    """The predictions that are due.

    Args:
        loop: the loop.
        as_of: UTC instant.
        start: only predictions made at or after it; None: all.
        snapshot: lake snapshot to read; None: the newest.
    """
    labels, end = loop.charter.labels, due_until(loop.charter, as_of)
    reading = Reading.at(loop.lake, loop.charter, as_of, snapshot)
    # Strays of another year would stretch the time that rates are told by.
    log = None if start else loop.span()
    begin = start or (log[0] if log else datetime(1, 1, 1, tzinfo=UTC))
    first, earlier, last = reading.rows(_DUE, start=begin, end=end)[0]
    if first is not None:
        return DueSpan(start, first, last + timedelta(microseconds=1), 0, 0, None, earlier, labels.horizon_days)
    waiting, labelled, oldest = reading.rows(_WAITING, first=max(begin, end))[0]
    due = oldest and oldest + timedelta(days=labels.horizon_days)
    return DueSpan(start, None, end, waiting, labelled, due, earlier, labels.horizon_days)
