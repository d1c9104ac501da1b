"""What retrains cost, as far as it is on record: what they were granted, which is the most they may take.

Measured seconds stay out of the ledger, where equal runs write equal entries; `loop_core.retrain` knows them.
"""

from __future__ import annotations

from datetime import datetime

from loop_core.triggers.base import Spend
from loop_core.workspace import Loop


def month_spend(loop: Loop, as_of: datetime) -> Spend:
    """What the retrains of the calendar month of `as_of` were granted until then.

    Args:
        loop: the loop.
        as_of: UTC instant, in the loop's own time.
    """
    month = as_of.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    done = [entry for entry in loop.entries("retrain.finished", as_of) if entry.as_of >= month]
    granted = sum((float(entry.payload.get("budget", {}).get("seconds", 0.0)) for entry in done), 0.0)
    return Spend(len(done), granted, loop.charter.retrain.seconds)
