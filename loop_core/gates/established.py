"""How a column of the lake spells yes and no, so that `1`, `1.0`, `true` and `True` go on as the one category they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from loop_core.charter import Charter
from loop_core.lake import quoted
from loop_core.lake.files import Relation, opened
from loop_core.signals.cells import DIGITS, FLAGS, WORDS
from loop_core.vocabulary import Signal

if TYPE_CHECKING:
    from loop_core.workspace import Loop

Spelled = Literal["words", "digits"]
_OWNERS = {Signal.PREDICTIONS: ("entity_id",), Signal.OUTCOMES: (), Signal.FEEDBACK: ("user_id",)}
#: Rows of a first source that are looked at.
_SAMPLE = 100_000


def established(
    loop: Loop, signal: Signal, source: Mapping[str, str], relation: Relation, *, renamed: bool = True
) -> dict[str, Spelled]:
    """Columns whose yes and no are stored as words (true, false) or digits (1, 0), whichever way a source spells them.

    The lake's own spelling goes on; a lake that has both in one column keeps both. Of a column without values yet, the
    source decides: digits where it has digits beside words.

    Args:
        loop: the loop.
        signal: what the rows are.
        source: column → DuckDB type as delivered.
        relation: the source.
        renamed: False: the columns have our names already (rows from the quarantine).
    """
    contract = loop.charter.contract.of(signal).columns if renamed else {}
    theirs = {ours: contract.get(ours, ours) for ours in _columns(loop.charter, signal)}
    found: dict[str, Spelled] = {}
    fresh = []
    for ours in [ours for ours in theirs if theirs[ours] in source]:
        if _holds(loop, signal, ours, WORDS):
            if not _holds(loop, signal, ours, DIGITS):
                found[ours] = "words"
        elif _holds(loop, signal, ours, None):
            found[ours] = "digits"
        elif source[theirs[ours]] == "VARCHAR":
            fresh.append(ours)
    return found | dict.fromkeys(_mixed(relation, {ours: theirs[ours] for ours in fresh}), "digits")


def _columns(charter: Charter, signal: Signal) -> tuple[str, ...]:
    """Categories without declared values, which have their spelling, and the ids that rows are grouped by."""
    open_ended = [c.name for c in charter.columns if c.type == "category" and not c.values]
    return (*_OWNERS[signal], *(open_ended if signal is Signal.PREDICTIONS else ()))


def _holds(loop: Loop, signal: Signal, column: str, values: tuple[str, ...] | None) -> bool:
    """Whether a column of the lake has one of these values; None: any."""
    test = "is not null" if values is None else f"in {values}"
    return bool(loop.lake.rows(f"select 1 from {loop.table(signal.value)} where {quoted(column)} {test} limit 1"))


def _mixed(relation: Relation, columns: Mapping[str, str]) -> list[str]:
    """Those of a source's columns that have both spellings."""
    if not columns:
        return []
    words, digits = (*FLAGS, *WORDS), (*DIGITS, *(f"{digit}.0" for digit in DIGITS))
    tests = [
        f"coalesce(bool_or({quoted(name)} in {words}) and bool_or({quoted(name)} in {digits}), false)"
        for name in columns.values()
    ]
    with opened(relation) as reader:
        sample = f"(select {', '.join(map(quoted, columns.values()))} from {reader.relation.sql} limit {_SAMPLE})"
        row = reader.run(f"select {', '.join(tests)} from {sample}").fetchall()[0]
    return [ours for ours, mixed in zip(columns, row, strict=True) if mixed]
