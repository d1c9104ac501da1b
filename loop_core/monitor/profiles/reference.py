"""The reference: the span of time that windows are compared with."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from loop_core.models import registered
from loop_core.monitor.profiles.plan import Span, key_of
from loop_core.workspace import Loop

#: The score's reference: this many windows from the champion's first answer on.
SCORE_WINDOWS = 4


def reference_span(loop: Loop, as_of: datetime) -> tuple[datetime, datetime] | None:
    """The champion's training span where it was trained here; else the first `reference_days` of the loop's predictions.

    Strays before the log (`Loop.span`) are no part of a training span. The first days begin where predictions are, not with
    the oldest one: on the first day from which both a window and `reference_days` hold a tenth of what such spans usually
    hold (`Activity.start`). Rows before it, strays of another year, belong to no reference. None: no predictions yet.
    """
    champion = loop.champion(as_of)
    for model in registered(loop, as_of):
        if model.version == champion and model.train_start and model.train_end:
            log = loop.span()
            start = max(model.train_start, log[0]) if log and log[0] < model.train_end else model.train_start
            return start, model.train_end
    first = loop.busy_since()
    if first is None or first >= as_of:
        return None
    return first, min(first + timedelta(days=loop.charter.monitor.reference_days), as_of)


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
    if any(model.version == version and model.kind == "external" for model in registered(loop, as_of)):
        # In use elsewhere before, it has served here since its first answers, one of which may be a stray.
        since = max(since, loop.busy_since(version) or since)
    start = since.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    end = start + timedelta(days=loop.charter.monitor.window_days * SCORE_WINDOWS)
    return (version, Span(start.date(), end.date())) if end <= as_of else None
