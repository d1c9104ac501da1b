"""The verb: look at a loop's reference period and propose what its gates should hold back."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from loop_core.charter.contract import year_before
from loop_core.errors import NotReadyError
from loop_core.gates.suggest.batches import batch_rules
from loop_core.gates.suggest.columns import column_rules
from loop_core.gates.suggest.period import MIN_ROWS, Period
from loop_core.gates.suggest.suggestion import Suggestion, Suggestions
from loop_core.lake import Reading
from loop_core.vocabulary import Signal

if TYPE_CHECKING:
    from loop_core.workspace import Loop


def _age(loop: Loop, first: datetime) -> list[Suggestion]:
    """Since when rows are let in, where the charter does not say: a year before they begin."""
    since = year_before(first.date())
    if "since" in loop.charter.gates.model_fields_set or since <= loop.charter.gates.since:
        return []
    evidence = f"but for strays, predictions begin on {first:%Y-%m-%d}"
    return [Suggestion("age", Signal.PREDICTIONS, "since", since.isoformat(), evidence, row=False)]


def suggest_gates(loop: Loop, as_of: datetime, *, span: tuple[datetime, datetime] | None = None) -> Suggestions:
    """Rules that the rows and batches of the reference period keep, with head-room, and that the charter lacks.

    Row rules: ranges, closed lists of categories, values that are never null. Batch rules: rows by weekday, shares of
    nulls, duplicates and quarantined rows, age at arrival.

    Args:
        loop: the loop.
        as_of: UTC instant; nothing later is looked at.
        span: the reference period, end exclusive (`loop_core.monitor.profiles.reference.reference_span` knows the
            monitor's); None: the first `reference_days` of the loop's predictions (`Loop.busy_since`).

    Raises:
        NotReadyError: fewer than 200 predictions in the period.
    """
    reading = Reading.at(loop.lake, loop.charter, as_of)
    newest = reading.rows("select max(predicted_at) from predictions")[0][0]
    first = loop.busy_since()
    if newest is None or first is None:
        raise NotReadyError("The loop has no predictions yet", "a reference period", "ingest predictions first")
    start, end = span or (first, first + timedelta(days=loop.charter.monitor.reference_days))
    # A period that has only begun ends with its newest row.
    period = Period(loop.charter, reading, start, min(end, as_of, newest + timedelta(microseconds=1)))
    rows = int(
        period.rows("select count(*) from predictions where predicted_at >= $first and predicted_at < $last")[0][0]
    )
    if rows < MIN_ROWS:
        raise NotReadyError(
            f"The reference period, {start:%Y-%m-%d} to {end:%Y-%m-%d}, has {rows:,} predictions",
            f"at least {MIN_ROWS}",
            "wait, or lengthen reference_days under [monitor]",
        )
    notes: list[str] = []
    rules = [*_age(loop, first), *column_rules(period, notes), *batch_rules(period, notes)]
    return Suggestions(loop.name, start, period.end, rows, tuple(rules), tuple(notes))
