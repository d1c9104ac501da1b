"""What commands print: sentences, errors, results as tables or as JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from typing import Any

import typer

from loop_core.cli.pasting import pasteable
from loop_core.cli.plain import plain
from loop_core.errors import RefusedError
from loop_core.frames import to_json
from loop_core.passwords import without_passwords
from loop_core.signed import signed_difference

#: Wider than any row, so that nothing is wrapped.
_WHOLE_LINES = 100_000


def show(results: Any, as_json: bool, columns: Mapping[str, str] | None = None, empty: str = "Nothing yet.") -> None:
    """Print results as a table, or as JSON. `columns`: field → heading, in order; None: every field."""
    if as_json:
        typer.echo(json.dumps(to_json(results), ensure_ascii=False, indent=1))
        return
    rows = [to_json(result) for result in results]
    if not rows:
        say(empty)
        return
    _table(rows, columns or {name: name for name in rows[0]})


def gained(result: Any, difference: float | None = None) -> dict[str, Any]:
    """A result for a table, with its difference and interval in words as `gain`; None: it has none."""
    row, size = to_json(result), getattr(result, "difference", difference)
    return {**row, "gain": None if size is None else signed_difference(size, result.ci_low, result.ci_high)}


def say(sentence: str) -> None:
    """One line on standard output; commands in it can be pasted."""
    typer.echo(plain(pasteable(sentence)))
    sys.stdout.flush()


def agree(what: str, command: str) -> None:
    """Go on only when a person agrees to what would be done.

    Raises:
        RefusedError: they do not, or nobody is there to ask; then the `command` that says it is named.
    """
    if not sys.stdin.isatty():
        raise RefusedError(f"{what}, and nobody is here to agree", todo=f"say it in the command: `{command}`")
    if not typer.confirm(pasteable(f"{what}. Do it?")):
        raise RefusedError("Nothing was done")


def complain(sentence: str) -> None:
    """An error on standard error."""
    typer.echo(typer.style("✗ ", fg="red") + plain(pasteable(without_passwords(sentence))), err=True)


def _table(rows: Iterable[dict[str, Any]], columns: Mapping[str, str]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*columns.values(), box=None, header_style="bold", pad_edge=False)
    for row in rows:
        # As Text, in which neither markup nor emoji codes are read.
        table.add_row(*(Text(plain(_cell(row.get(name))).replace("\n", " ")) for name in columns))
    # A pipe or a file gets whole lines; only a terminal is worth fitting to.
    width = None if sys.stdout.isatty() else _WHOLE_LINES
    Console(width=width, highlight=False).print(table)


def _cell(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.0f}"
    if isinstance(value, list):
        return ", ".join(_cell(item) for item in value)
    text = str(value)
    # Midnights read as dates.
    return text[:10] if text.endswith("T00:00:00+00:00") else text.replace("T", " ")[:19] if _is_instant(text) else text


def _is_instant(text: str) -> bool:
    return len(text) >= 25 and text[4] == "-" and text[10] == "T" and text.endswith("+00:00")
