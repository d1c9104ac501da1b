"""Which instants a lake holds: those that every library it is read with can hold, too."""

from __future__ import annotations

#: What 64 bits of nanoseconds reach: 1678-01-01 up to, not including, 2262-01-01 (UTC).
_FIRST, _END = "1678-01-01", "2262-01-01"
#: Nothing a loop is about happened before; 1970-01-01, in any zone, is how programs write that they do not know.
OLDEST = "1971-01-01"


def representable(instant: str) -> str:
    """SQL condition: a timestamptz expression is an instant that can be kept; false for ±infinity, null for null."""
    return f"({instant} >= timestamptz '{_FIRST} 00:00:00+00' and {instant} < timestamptz '{_END} 00:00:00+00')"


def happened(instant: str) -> str:
    """SQL condition: an event's timestamptz expression can be read. Rows of which it is false are in lakes that programs
    without this rule wrote; nothing but a retraction looks at them."""
    return f"({instant} >= timestamptz '{OLDEST} 00:00:00+00' and {instant} < timestamptz '{_END} 00:00:00+00')"
