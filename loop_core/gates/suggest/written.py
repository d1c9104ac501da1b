"""Proposals into the text of a charter, each at its place; what stands there stays as it is."""

from __future__ import annotations

import re

from loop_core.gates.suggest.suggestion import TABLES, Suggestions


def with_suggestions(text: str, suggestions: Suggestions) -> str:
    """The charter's text with the proposals: batch rules under their table, which is made where there is none; row rules
    at the end. Comments and layout of the text are kept."""
    lines = text.rstrip("\n").split("\n")
    tail = [
        "",
        f"# Proposed from {suggestions.rows:,} predictions, {suggestions.start:%Y-%m-%d} to {suggestions.end:%Y-%m-%d}.",
    ]
    for rule in suggestions.rules:
        if rule.row:
            tail += ["", *rule.lines]
    for table in TABLES:
        batch = [line for rule in suggestions.of(table) for line in rule.lines]
        place = _header(lines, table)
        if batch and place is None:
            tail += ["", f"[{table}]", *batch]
        elif batch and place is not None:
            lines[place + 1 : place + 1] = batch
    return "\n".join(lines + tail) + "\n"


def _header(lines: list[str], table: str) -> int | None:
    """Where the table's header stands."""
    name = r"\s*\.\s*".join(table.split("."))
    header = re.compile(rf"\s*\[\s*{name}\s*\]\s*(#.*)?$")
    return next((number for number, line in enumerate(lines) if header.match(line)), None)
