"""Functions whose result is as large as an argument says: that argument is written out, and bounded."""

from __future__ import annotations

import re
from typing import Any

#: Function → (place of the argument that says how large, the most it may say).
_SIZES = {
    "lpad": (1, 1_000),
    "rpad": (1, 1_000),
    "list_resize": (1, 10_000),
    "array_resize": (1, 10_000),
}
#: Function → the most values it may make of numbers.
_SERIES = {
    "range": 10_000,
    "generate_series": 10_000,
    "from range": 1_000_000,
    "from generate_series": 1_000_000,
}
_PATTERNS = ("printf", "format")
_WIDE = re.compile(r"\d{4,}|\*|\{[^{}]*\{")


def out_of_bounds(name: str, arguments: list[Any]) -> str:
    """Why a call may make too much, in one sentence; empty: it cannot."""
    if name in _SIZES:
        place, most = _SIZES[name]
        size = _number(arguments[place]) if len(arguments) > place else 0
        if size is None or size > most:
            return f"The length in {name}(…) is a written number of at most {most:,}"
    if name in _SERIES and (wrong := _series(name, arguments)):
        return wrong
    if name in _PATTERNS and arguments:
        pattern = arguments[0].get("value", {}).get("value") if arguments[0].get("class") == "CONSTANT" else None
        if not isinstance(pattern, str) or _WIDE.search(pattern):
            return f"The pattern in {name}(…) is a written text with widths below 1,000"
    return ""


def _series(name: str, arguments: list[Any]) -> str:
    """Numbers are written out, so that their count is known; of lengths and times there are not so many."""
    most = _SERIES[name]
    numbers = [_number(argument) for argument in arguments]
    plain = name.removeprefix("from ")
    if not 1 <= len(arguments) <= 3:
        return f"{plain}(…) takes one to three arguments"
    known = [number for number in numbers if number is not None]
    if len(known) < len(numbers):
        if all(number is not None or _bounded(part) for number, part in zip(numbers, arguments, strict=True)):
            return ""
        return f"The ends in {plain}(…) are written numbers, lengths of lists or dates"
    first, last, step = [0, *known, 1] if len(known) == 1 else [*known, 1] if len(known) == 2 else known[:3]
    if step and abs((last - first) / step) > most:
        return f"{plain}(…) makes at most {most:,} values here"
    return ""


def _number(part: Any) -> float | None:
    """A written number, also with a minus before it; None: something else."""
    if part.get("class") == "CONSTANT":
        value = part["value"].get("value")
        kind = part["value"]["type"]["id"]
        if isinstance(value, int | float) and not isinstance(value, bool) and kind != "DECIMAL":
            return value
        return None
    if part.get("class") == "FUNCTION" and part["function_name"] == "-" and len(part["children"]) == 1:
        inner = _number(part["children"][0])
        return None if inner is None else -inner
    return None


def _bounded(part: Any) -> bool:
    """A length of what is there, or a time."""
    if part.get("class") == "FUNCTION":
        if part["function_name"] in _SHIFTS:
            return all(_number(child) is not None or _bounded(child) for child in part["children"])
        return part["function_name"] in _LENGTHS
    if part.get("class") == "CAST":
        return part["cast_type"]["id"] in ("DATE", "TIMESTAMP", "TIMESTAMP WITH TIME ZONE", "INTERVAL")
    return False


_LENGTHS = frozenset(
    [
        "to_days",
        "to_weeks",
        "to_months",
        "to_years",
        "to_hours",
        "to_minutes",
        "to_seconds",
        "len",
        "length",
        "array_length",
        "cardinality",
        "date_trunc",
        "datetrunc",
        "make_date",
    ]
)
_SHIFTS = ("+", "-")
