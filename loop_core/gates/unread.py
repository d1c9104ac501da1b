"""The first cell of each column that could not be read, and the line of the charter that would say how to."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from loop_core.charter.lines import setting_place
from loop_core.lake import signal_columns
from loop_core.signals.cells import COMMA_SAID
from loop_core.signals.written_times import likely_format
from loop_core.texts import read_text
from loop_core.vocabulary import Task

if TYPE_CHECKING:
    import polars as pl

    from loop_core.vocabulary import Signal
    from loop_core.workspace import Loop


class UnreadCells:
    """Takes failed rows while they are staged; keeps one cell a column."""

    def __init__(self, loop: Loop, signal: Signal) -> None:
        self._loop, self._signal = loop, signal
        self._kinds = signal_columns(loop.charter, signal)
        self._first: dict[str, tuple[str, int]] = {}

    def add(self, failed: pl.DataFrame) -> None:
        """Take rows of the columns `rows.FAILED`."""
        if failed.height == 0:
            return
        for rule, row, text in (
            failed.explode("rules")
            .unique("rules", keep="first", maintain_order=True)
            .select("rules", "_row", "row_json")
            .iter_rows()
        ):
            column, _, check = str(rule).rpartition(".")
            if check == "type" and column in self._kinds:
                value = json.loads(text).get(column)
                self._first.setdefault(column, (str(value), row + 1))

    def notes(self) -> tuple[str, ...]:
        """One sentence a column."""
        return tuple(self._sentence(column, value, row) for column, (value, row) in self._first.items())

    def _sentence(self, column: str, value: str, row: int) -> str:
        said = f"{column} cannot be read in row {row:,}: {value[:80]!r}"
        known = self._setting(column, value)
        if known is None:
            return said
        condition, setting = known
        return f"{said}; if {condition}, {where_to_set(self._loop, f'contract.{self._signal.value}', setting)}"

    def _setting(self, column: str, value: str) -> tuple[str, str] | None:
        """What the value may be, and the setting that says so; None: none would."""
        if self._kinds[column] == "timestamptz":
            format = likely_format(value)
            return ("it is a time", f'time_format = "{format}"') if format else None
        yes_or_no = column == "label" and self._loop.charter.loop.task is Task.BINARY
        if self._kinds[column] == "boolean" or yes_or_no:
            word = json.dumps(value[:40], ensure_ascii=False)
            return "it means yes (for no, false_values)", f"true_values = [{word}]"
        if column == "label" and self._loop.charter.loop.classes:
            return None
        if self._kinds[column] == "double" and re.fullmatch(COMMA_SAID, value.strip()):
            return "its comma is a decimal mark", 'decimal = ","'
        return None


def where_to_set(loop: Loop, table: str, setting: str) -> str:
    """Which line of a loop's charter to change so that it has a setting, in words."""
    try:
        text = read_text(loop.workspace.charter_file(loop.name))
    except OSError:  # what is in force is on record
        text = str(loop.entries("charter.changed")[-1].payload["text"])
    return setting_place(text, f"loops/{loop.name}.toml", table, setting)
