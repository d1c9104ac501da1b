"""Times as people and programs write them, read in SQL."""

from __future__ import annotations

#: How times are written that are not understood by themselves, the likelier of two readings first.
FORMATS = (
    "%d/%m/%Y %H:%M:%S", "%d/%m/%Y %H:%M", "%d/%m/%Y", "%m/%d/%Y %H:%M:%S", "%m/%d/%Y %H:%M", "%m/%d/%Y",
    "%m/%d/%Y %I:%M:%S %p", "%m/%d/%Y %I:%M %p", "%d-%m-%Y %H:%M:%S", "%d-%m-%Y %H:%M", "%d-%m-%Y",
    "%d/%m/%y %H:%M", "%d/%m/%y", "%m/%d/%y %H:%M", "%m/%d/%y", "%d %b %Y %H:%M:%S", "%d %b %Y %H:%M", "%d %b %Y",
    "%b %d, %Y %H:%M", "%b %d, %Y", "%d-%b-%Y %H:%M:%S", "%d-%b-%Y",
)  # fmt: skip
#: As FORMATS, of digits only, which may be numbers as well.
DIGITS = ("%Y%m%d", "%Y%m%d%H%M", "%Y%m%d%H%M%S")
_ZONE = r"(Z|z| ?UTC| ?GMT|[+-]\d\d(:?\d\d(:?\d\d)?)?)$"


def written_time(text: str, format: str | None) -> tuple[str, str, str]:
    """SQL of a written time: as an instant, as a time without zone, and whether it has a zone."""
    # ISO leaves the seconds to the writer; the database's parser does not where a zone follows.
    whole = f"regexp_replace({text}, '^(\\d{{4}}-\\d\\d-\\d\\d[T ]\\d\\d:\\d\\d){_ZONE}', '\\1:00\\2')"
    zoned = _dated(f"regexp_matches({text}, '\\d{_ZONE}')", text)
    instant = f"coalesce(try_cast({text} as timestamptz), try_cast({whole} as timestamptz))"
    dotted = f"case when regexp_matches({text}, '^\\d\\d?\\.\\d\\d?\\.\\d{{4}}($|\\D)') then try_strptime({text}, {_DOTTED}) end"
    local = f"coalesce(try_cast({text} as timestamp), {dotted})"
    if format is None:
        return instant, local, zoned
    said = f"try_strptime({text}, ${format_parameter(format)})"
    if "%z" in format or "%Z" in format:
        return f"coalesce({said}, {instant})", local, f"({said} is not null or {zoned})"
    # Where the year leads too, an ISO text that is not of the format would be read as another day.
    return (
        instant,
        said if format.startswith(("%Y", "%y")) else f"coalesce({said}, {local})",
        f"({zoned} and {said} is null)",
    )


#: Times whose dots say that the day leads.
_DOTTED = "['%d.%m.%Y', '%d.%m.%Y %H:%M', '%d.%m.%Y %H:%M:%S', '%d.%m.%Y %H:%M:%S.%f', '%d.%m.%YT%H:%M:%S']"


def format_parameter(format: str) -> str:
    """The name under which a query binds a format."""
    return f"format_{format.encode().hex()}"


def _dated(zoned: str, text: str) -> str:
    # "2018-01-01" ends like an offset does; a zone can only follow a time of day. Words are the same instant in any zone.
    return f"(({zoned} and length({text}) > 11) or regexp_matches({text}, '^[-+]?[A-Za-z]+$'))"


def likely_format(text: str) -> str | None:
    """The setting `time_format` under which a text is a time; None: none of those that are known.

    >>> likely_format("31/12/2024 08:00"), likely_format("20241231"), likely_format("soon")
    ('%d/%m/%Y %H:%M', '%Y%m%d', None)
    """
    from datetime import datetime

    for format in (*FORMATS, *DIGITS):
        try:
            datetime.strptime(text.strip(), format)  # noqa: DTZ007 - only whether it can be read
        except ValueError:
            continue
        return format
    digits = text.strip().removeprefix("-")
    return None if not digits.isdecimal() or len(digits) < 5 else "epoch_ms" if len(digits) > 11 else "epoch_s"
