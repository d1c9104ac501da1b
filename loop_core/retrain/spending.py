"""What retrains took, and whether the next one still fits into the month."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from loop_core.clock import instant
from loop_core.errors import NotReadyError
from loop_core.figures import numbers_apart
from loop_core.retrain.search import Budget
from loop_core.retrain.studies import summaries
from loop_core.workspace import Loop


@dataclass(frozen=True)
class Spent:
    """One retrain, finished or not."""

    as_of: datetime
    """UTC instant of the loop it was for."""
    seconds: float
    """Wall clock of all its runs, those that were killed included."""
    granted: float
    """Seconds it was allowed."""
    trials: int
    """Finished ones."""
    version: str | None
    """The model it led to; None: to none, or not yet."""


def spending(loop: Loop, as_of: datetime, *, since: datetime | None = None) -> list[Spent]:
    """Retrains of the loop, oldest first.

    Args:
        loop: the loop.
        as_of: UTC instant; those for a later one are left out.
        since: and those for an earlier one; None: from the beginning of the calendar month of `as_of`.
    """
    first = since or as_of.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    found = []
    for attributes, trials in summaries(loop.workspace.studies_url, loop.name):
        moment = instant(attributes["as_of"])
        if first <= moment <= as_of:
            seconds = float(attributes.get("seconds", 0.0))
            found.append(Spent(moment, seconds, float(attributes["granted"]), trials, attributes.get("version")))
    return sorted(found, key=lambda one: one.as_of)


def check_month(loop: Loop, as_of: datetime, budget: Budget, already: float) -> None:
    """See that the retrain fits into what the charter grants a month, before anything is spent.

    Args:
        loop: the loop.
        as_of: UTC instant of the retrain.
        budget: what it may spend.
        already: seconds that this same retrain took before it was killed; its budget covers them.

    Raises:
        NotReadyError: what was spent and what this one may take is more than `retrain.month_seconds`.
    """
    most = loop.charter.retrain.month_seconds
    if most is None:
        return
    spent = sum(one.seconds for one in spending(loop, as_of)) - already
    if spent + budget.seconds > most:
        took, more, granted = numbers_apart(spent, budget.seconds, most, digits=0)
        raise NotReadyError(
            f"Retrains of {as_of:%B %Y} took {took} s, and this one may take {more} s more",
            f"at most {granted} s a month (retrain.month_seconds)",
            "wait for the next month, give a smaller budget, or raise retrain.month_seconds",
        )
