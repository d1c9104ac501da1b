"""The first cell of each column that could not be read, and the line of the charter that would say how to."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from loop_core.lake import signal_columns

if TYPE_CHECKING:
    import polars as pl

    from loop_core.charter import Charter
    from loop_core.vocabulary import Signal

_SETTINGS = {
    "double": 'if its comma is a decimal mark, write decimal = ","',
    "boolean": 'if it means yes or no, name it: true_values = ["…"] or false_values = ["…"]',
    "timestamptz": 'if it is a time, say how it is written: time_format = "%d/%m/%Y %H:%M" (say), "epoch_s" or "epoch_ms"',
}


class UnreadCells:
    """Takes failed rows while they are staged; keeps one cell a column."""

    def __init__(self, charter: Charter, signal: Signal) -> None:
        self._kinds, self._signal = signal_columns(charter, signal), signal
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
        setting = _SETTINGS.get(self._kinds[column])
        todo = f"; {setting} under [contract.{self._signal.value}]" if setting else ""
        return f"{column} cannot be read in row {row:,}: {value[:80]!r}{todo}"
