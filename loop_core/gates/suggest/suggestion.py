"""One proposed rule, and all of them as TOML."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from loop_core.vocabulary import Signal

Kind = Literal["range", "categories", "nulls", "volume", "freshness", "duplicates", "quarantine", "age"]


#: Tables of a charter that proposals go to.
TABLES = ("gates", *(f"gates.{signal.value}" for signal in Signal))


@dataclass(frozen=True)
class Suggestion:
    """A rule that the reference period keeps."""

    kind: Kind
    signal: Signal
    key: str
    """Name of the row rule, or key under `[gates.<signal>]`."""
    value: str
    """The row rule's `check`, or the key's value as TOML."""
    evidence: str
    """What in the reference speaks for it; for people."""
    row: bool
    """True: a row rule, under `[[rules]]`; False: a key under `[gates.<signal>]`, or `[gates]` where it holds for all."""

    @property
    def table(self) -> str:
        """The table that its key stands under."""
        return "gates" if self.kind == "age" else f"gates.{self.signal.value}"

    @property
    def lines(self) -> tuple[str, ...]:
        """As TOML; a batch rule stands under its table."""
        if not self.row:
            return (f"{self.key} = {self.value}  # {self.evidence}",)
        return (
            "[[rules]]",
            f'name = "{self.key}"',
            f'signal = "{self.signal.value}"',
            f"check = {json.dumps(self.value, ensure_ascii=False)}  # {self.evidence}",
        )


@dataclass(frozen=True)
class Suggestions:
    """What to add to a charter."""

    loop: str
    start: datetime
    end: datetime
    """The reference period, end exclusive."""
    rows: int
    """Predictions in it."""
    rules: tuple[Suggestion, ...]
    notes: tuple[str, ...]
    """What was not proposed, and why."""

    @property
    def toml(self) -> str:
        """Ready to paste at the end of a charter that has no `[gates.…]` tables yet; `with_suggestions` finds the place."""
        return "\n".join(self._lines()) + "\n"

    def of(self, table: str) -> tuple[Suggestion, ...]:
        """The keys of a table."""
        return tuple(rule for rule in self.rules if rule.table == table and not rule.row)

    def _lines(self) -> Iterator[str]:
        yield f"# Proposed from {self.rows:,} predictions, {self.start:%Y-%m-%d} to {self.end:%Y-%m-%d}, all of which keep these rules."
        for rule in self.rules:
            if rule.row:
                yield from ("", *rule.lines)
        for table in TABLES:
            if rules := self.of(table):
                yield from ("", f"[{table}]", *(line for rule in rules for line in rule.lines))
        if self.notes:
            yield from ("", "# Not proposed:", *(f"# - {note}" for note in self.notes))
