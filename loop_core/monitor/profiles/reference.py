"""The reference: the span of time that windows are compared with."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from loop_core.models import registered
from loop_core.monitor.profiles.plan import Span, key_of
from loop_core.workspace import Loop

#: The score's reference: this many windows from the champion's first answer on.
SCORE_WINDOWS = 4


def reference_span(loop: Loop, as_of: datetime) -> tuple[datetime, datetime] | None:
    """The champion's training span where it was trained here; else the loop's first `reference_days`.

    None: no predictions yet.
    """
    champion = loop.champion(as_of)
    for model in registered(loop, as_of):
        if model.version == champion and model.train_start and model.train_end:
            return model.train_start, model.train_end
    first = loop.lake.rows(f"select min(predicted_at) from {loop.table('predictions')}")[0][0]
    if first is None or first >= as_of:
        return None
    start = first.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return start, min(start + timedelta(days=loop.charter.monitor.reference_days), as_of)


def reference_days(loop: Loop, as_of: datetime) -> tuple[str, Span] | None:
    """(key of its bins, whole days of the reference); None: less than a day of predictions."""
    found = reference_span(loop, as_of)
    span = Span.of(*found) if found else None
    return (key_of(loop.charter, loop.champion(as_of), span), span) if span else None


def score_days(loop: Loop, as_of: datetime) -> tuple[str, Span] | None:
    """(champion, its first weeks of service); None: nobody serves, or they are not over at `as_of`."""
    tenures = loop.tenures(as_of)
    if not tenures:
        return None
    version, since = tenures[-1]
    start = since.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    end = start + timedelta(days=loop.charter.monitor.window_days * SCORE_WINDOWS)
    return (version, Span(start.date(), end.date())) if end <= as_of else None
