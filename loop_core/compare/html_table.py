"""Rows as an HTML table: everything escaped, numbers to the right."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from html import escape
from typing import Any

from loop_core.compare.metrics import words_of

#: Rows of one table; what is left out is counted.
ROWS = 1_000
_NUMBER = ' class="number"'
#: Fields of the other parts that are for machines.
_MACHINE = frozenset({"sql", "columns"})


class Figure(str):
    """A number in words of its own."""

    __slots__ = ()


def table(rows: Sequence[dict[str, Any]]) -> str:
    """Rows as a table; columns that say nothing are left out."""
    names = [
        n for n in dict.fromkeys(n for row in rows for n in row) if any(row.get(n) not in (None, "") for row in rows)
    ]
    head = "".join(
        f"<th{_NUMBER if any(_is_number(row.get(n)) for row in rows) else ''}>{escape(n.replace('_', ' '))}</th>"
        for n in names
    )
    body = "".join(f"<tr>{''.join(_td(row.get(name)) for name in names)}</tr>" for row in rows[:ROWS])
    more = f'<p class="mute">{len(rows) - ROWS:,} more rows are left out.</p>' if len(rows) > ROWS else ""
    return f'<div class="scroll"><table><tr>{head}</tr>{body}</table></div>{more}'


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | Figure) and not isinstance(value, bool)


def _td(value: Any) -> str:
    return f"<td{_NUMBER if _is_number(value) else ''}>{escape(_words(value))}</td>"


def _words(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return f"{value:,}" if isinstance(value, int) else f"{value:,.4g}"
    return f"{value:%Y-%m-%d}" if isinstance(value, datetime) else str(value)


def flat(row: dict[str, Any]) -> dict[str, Any]:
    """A row whose lists are words."""
    return {
        name: ", ".join(map(_plain, value)) if _many(value) else words_of(value) if name == "metric" else value
        for name, value in row.items()
        if name not in _MACHINE
    }


def _many(value: Any) -> bool:
    return isinstance(value, Iterable) and not isinstance(value, str)


def _plain(value: Any) -> str:
    return " ".join(f"{name} {inner}" for name, inner in value.items()) if isinstance(value, dict) else str(value)
