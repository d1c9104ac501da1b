"""What retrains cost, as far as it is on record."""

from __future__ import annotations

from datetime import datetime

from loop_core.ledger import Entry
from loop_core.triggers.base import Spend
from loop_core.workspace import Loop


def month_spend(loop: Loop, as_of: datetime) -> Spend:
    """What the retrains of the calendar month of `as_of` cost until then.

    Args:
        loop: the loop.
        as_of: UTC instant, in the loop's own time.
    """
    month = as_of.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    done = [entry for entry in loop.entries("retrain.finished", as_of) if entry.as_of >= month]
    return Spend(len(done), sum(map(_seconds, done)), loop.charter.retrain.seconds)


def _seconds(entry: Entry) -> float:
    """What a retrain took where that is on record, else what it was granted: it may not take more."""
    took = entry.payload.get("seconds")
    return float(took if took is not None else entry.payload.get("budget", {}).get("seconds", 0.0))
