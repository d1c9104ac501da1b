"""What commands print: sentences, errors, results as tables or as JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from typing import Any

import typer

from loop_core.characters import one_line, visible
from loop_core.cli.pasting import pasteable
from loop_core.errors import RefusedError
from loop_core.frames import to_json
from loop_core.passwords import without_passwords
from loop_core.signed import signed_difference

#: Wider than any row, so that nothing is wrapped.
_WHOLE_LINES = 100_000


def show(results: Any, as_json: bool, columns: Mapping[str, str] | None = None, empty: str = "Nothing yet.") -> None:
    """Print results as a table, or as JSON. `columns`: field → heading, in order; None: every field."""
    if as_json:
        typer.echo(_json(results))
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


def say(*sentences: str) -> None:
    """Each on one line of standard output, whatever values say in it; commands in it can be pasted."""
    for sentence in sentences:
        typer.echo(one_line(pasteable(sentence)))
    sys.stdout.flush()


def say_document(text: str) -> None:
    """A text of many lines on standard output, all of them ours; commands in it can be pasted."""
    say(*text.split("\n"))


def agree(what: str, command: str) -> None:
    """Go on only when a person agrees to what would be done.

    Raises:
        RefusedError: they do not, or nobody is there to ask; then the `command` that says it is named.
    """
    if not sys.stdin.isatty():
        raise RefusedError(f"{what}, and nobody is here to agree", todo=f"say it in the command: `{command}`")
    if not typer.confirm(one_line(pasteable(f"{what}. Do it?"))):
        raise RefusedError("Nothing was done")


def complain(sentence: str) -> None:
    """An error on standard error."""
    typer.echo(typer.style("✗ ", fg="red") + visible(pasteable(without_passwords(sentence))), err=True)


def _json(results: Any) -> str:
    text = json.dumps(to_json(results), ensure_ascii=False, indent=1)
    # JSON's own escapes stand for what JSON would leave as it is: the values stay the same.
    return "".join(sign if visible(sign) == sign else f"\\u{ord(sign):04x}" for sign in text)


def _table(rows: Iterable[dict[str, Any]], columns: Mapping[str, str]) -> None:
    from rich.console import Console
    from rich.table import Column, Table
    from rich.text import Text

    # As Text, in which neither markup nor emoji codes are read.
    table = Table(
        *(Column(Text(one_line(title))) for title in columns.values()), box=None, header_style="bold", pad_edge=False
    )
    for row in rows:
        table.add_row(*(Text(one_line(_cell(row.get(name)).replace("\n", " "))) for name in columns))
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
