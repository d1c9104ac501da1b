"""Reading times people write, and the one place the wall clock is read (by app, CLI and worker only)."""

from __future__ import annotations

from datetime import UTC, date, datetime

from loop_core.errors import SourceError

#: Windows are counted from these years' instants.
_YEARS = (1971, 2262)


def now() -> datetime:
    """The wall clock, as a UTC instant."""
    return datetime.now(UTC)


def instant(text: str | date | datetime) -> datetime:
    """A date or ISO time → UTC instant. A bare date means its first moment in UTC; a time needs its zone.

    Raises:
        SourceError: not a date, a time of day without a zone, or of a year in which no loop looks at anything.

    >>> instant("2018-08-27").isoformat()
    '2018-08-27T00:00:00+00:00'
    """
    if isinstance(text, datetime):
        parsed = text
    elif isinstance(text, date):
        return datetime(text.year, text.month, text.day, tzinfo=UTC)
    else:
        try:
            parsed = datetime.fromisoformat(text.strip())
        except ValueError:
            raise SourceError(
                f"{text!r} is not a date or time", "a date like 2018-08-27, or 2018-08-27T14:00:00+00:00", "correct it"
            ) from None
        if not _YEARS[0] <= parsed.year < _YEARS[1]:
            raise SourceError(f"{text!r} is not a date from {_YEARS[0]} to {_YEARS[1] - 1}", todo="correct the year")
        if len(text.strip()) <= 10:
            return parsed.replace(tzinfo=UTC)
    if parsed.tzinfo is None:
        raise SourceError(
            f"The time {text} has no zone", "a time with its zone, e.g. 2018-08-27T14:00:00+00:00", "add it"
        )
    return parsed.astimezone(UTC)
