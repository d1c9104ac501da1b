"""Source columns → typed signal columns, as one SQL projection: what each cell becomes, and which cells cannot."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from loop_core.charter import Charter
from loop_core.errors import SourceError
from loop_core.lake import quoted, signal_columns
from loop_core.lake.times import representable
from loop_core.signals.cells import (
    Spelling,
    as_text,
    category,
    epoch,
    flag,
    is_nested,
    is_number,
    number,
    present,
    spelled,
)
from loop_core.signals.cells import declared as spelled_as_declared
from loop_core.signals.written_times import format_parameter, written_time
from loop_core.vocabulary import Signal, Task

#: Columns a source must deliver; the rest may be absent and is null (or its default).
REQUIRED = {
    Signal.PREDICTIONS: ("prediction_id", "predicted_at"),
    Signal.OUTCOMES: ("prediction_id", "label", "observed_at"),
    Signal.FEEDBACK: ("feedback_id", "given_at"),
}
#: What an absent or null value means; SQL over the typed columns.
_DEFAULTS = {
    Signal.PREDICTIONS: {"route": "case when model_version is null then 'history' else 'champion' end"},
    Signal.OUTCOMES: {"source": "'observed'"},
    Signal.FEEDBACK: {"kind": "'comment'"},
}
IDS = ("prediction_id", "feedback_id", "entity_id", "user_id")
#: What the gates add to a row: why its cells cannot be read, the row as delivered, a time without zone.
MARKS = ("_bad", "_raw", "_naive")


@dataclass(frozen=True)
class TypedQuery:
    """How to read a source as a signal."""

    sql: str
    """`{source}` stands for the source; gives the signal's columns and MARKS."""
    parameters: Mapping[str, Any]
    delivered: tuple[str, ...]
    """Our columns that the source has."""
    notes: tuple[str, ...]


def typed_query(
    charter: Charter,
    signal: Signal,
    source: Mapping[str, str],
    *,
    renamed: bool = True,
    flags: Mapping[str, str] | None = None,
) -> TypedQuery:
    """Plan the reading of a source.

    Args:
        charter: its contract maps and ignores columns, its timezone reads times without zone.
        signal: what the rows are.
        source: column → DuckDB type as delivered.
        renamed: False: the columns have our names already (rows from the quarantine).
        flags: from `established`: column → how its yes and no are stored.

    Raises:
        SourceError: a required column is missing, or an unknown one is present.
    """
    delivered_as, source = source, {name: "VARCHAR" if is_nested(found) else found for name, found in source.items()}
    names = (
        _matched(charter, signal, source) if renamed else {c: c for c in signal_columns(charter, signal) if c in source}
    )
    wanted = signal_columns(charter, signal)
    flags = flags or {}
    cells = {
        ours: _cell(charter, signal, ours, wanted[ours], source[theirs], flags.get(ours))
        for ours, theirs in names.items()
    }
    typed = ", ".join(f"{cell.sql} as {quoted(ours)}" for ours, cell in cells.items())
    absent = ", ".join(f"null::{kind} as {quoted(c)}" for c, kind in wanted.items() if c not in names)
    raw = ", ".join(
        f"{present(quoted(theirs), delivered_as[theirs])} as {_raw(ours)}" for ours, theirs in names.items()
    )
    bad = {
        f"{ours}.type": f"({_raw(ours)} is not null and {quoted(ours)} is null)"
        for ours, cell in cells.items()
        if cell.can_fail
    }
    times = [ours for ours in names if wanted[ours] == "timestamptz"]
    bad |= {f"{ours}.range": f"(not {representable(quoted(ours))})" for ours in times}
    naive = [cell.naive for cell in cells.values() if cell.naive]
    delivered = f"select {raw or 'null as no_column'} from {{source}}"
    inner = f"select *, {', '.join(filter(None, [typed, absent]))}, {_coalesced(naive)} as _naive from ({delivered})"
    marked = f"select *, coalesce({' or '.join(bad.values()) or 'false'}, false) as _fails from ({inner})"
    defaults = _defaults(charter, signal)
    # What is out of range is told by its rule, and must not reach libraries that end with the program on such a value.
    columns = ", ".join(_in_range(c) if c in times else _with_default(c, defaults.get(c)) for c in wanted)
    sql = f"select {columns}, {_marks(bad, names)}, _naive from ({marked})"
    bound: dict[str, Any] = {"zone": charter.loop.timezone, "classes": list(charter.loop.classes)}
    formats = {
        contract_format for ours in times if (contract_format := charter.contract.of(signal).time_format_of(ours))
    }
    bound |= {format_parameter(format): format for format in formats}
    used = {name: value for name, value in bound.items() if f"${name}" in sql}
    return TypedQuery(sql, used, tuple(names), _notes(charter, signal, names, source))


@dataclass(frozen=True)
class _Cell:
    """How one column is read."""

    sql: str
    can_fail: bool = False
    """A value that is there may become null: then it was of the wrong type."""
    naive: str = ""
    """SQL giving the text of a time without zone, where the loop has no timezone."""


def _raw(ours: str) -> str:
    return quoted(f"raw {ours}")


def _cell(charter: Charter, signal: Signal, ours: str, kind: str, found: str, flags: str | None) -> _Cell:
    raw, contract = _raw(ours), charter.contract.of(signal)
    spelling = Spelling(contract.decimal, contract.true_values, contract.false_values)
    if kind == "timestamptz":
        return _time(charter, ours, found, contract.time_format_of(ours))
    if ours == "label" and charter.loop.classes:
        place = f"list_position($classes, {category(raw, found)})"
        return _Cell(f"cast({place} - 1 as double)", can_fail=True)
    if ours == "label" and charter.loop.task is Task.BINARY:
        word = f"cast({flag(raw, found, spelling)} as double)"
        return _Cell(f"coalesce({number(raw, found, spelling)}, {word})", can_fail=True)
    if kind == "double":
        return _Cell(number(raw, found, spelling), can_fail=True)
    if kind == "boolean":
        return _Cell(flag(raw, found, spelling), can_fail=True)
    values = {c.name: c.values for c in charter.columns if c.type == "category"} if signal is Signal.PREDICTIONS else {}
    if ours in IDS or ours in values:
        own = spelled_as_declared(category(raw, found), values.get(ours, ()))
        return _Cell(spelled(own, flags), can_fail=True)
    return _Cell(as_text(raw, found), can_fail=True)


def _time(charter: Charter, ours: str, found: str, format: str | None) -> _Cell:
    raw, zone = _raw(ours), charter.loop.timezone
    if found == "TIMESTAMP WITH TIME ZONE":
        return _Cell(raw)
    if found.startswith("TIMESTAMP") or found == "DATE":
        if zone is None:
            return _Cell("null::timestamptz", can_fail=True, naive=f"cast({raw} as varchar)")
        return _Cell(_local(f"try_cast({raw} as timestamp)"), can_fail=True)
    unit = format.removeprefix("epoch_") if format in ("epoch_s", "epoch_ms") else None
    counted = epoch(raw, found, unit)
    if is_number(found):
        return _Cell(counted, can_fail=True)
    text = f"cast({raw} as varchar)"
    instant, local, zoned = written_time(text, format if unit is None else None)
    plain = f"case when {zoned} then {instant} end"
    if zone is None:
        naive = f"case when not coalesce({zoned}, false) and {local} is not null then {text} end"
        return _Cell(f"coalesce({plain}, {counted})", can_fail=True, naive=naive)
    return _Cell(f"coalesce({plain}, {_local(local)}, {counted})", can_fail=True)


def _local(time: str) -> str:
    """A time without zone in the loop's; infinite where the calendar library, which fails on it, is not to be asked."""
    known = f"{time} >= timestamp '1000-01-01' and {time} < timestamp '3000-01-01'"
    return f"case when {known} then timezone($zone, {time}) when {time} is not null then 'infinity'::timestamptz end"


def _defaults(charter: Charter, signal: Signal) -> dict[str, str]:
    if signal is Signal.PREDICTIONS and charter.loop.classes:
        # Of several classes, the score is how sure the model is of the one it says.
        return _DEFAULTS[signal] | {"score": f"greatest({', '.join(map(quoted, charter.score_columns))})"}
    return _DEFAULTS[signal]


def _in_range(column: str) -> str:
    return f"case when {representable(quoted(column))} then {quoted(column)} end as {quoted(column)}"


def _with_default(column: str, default: str | None) -> str:
    return f"coalesce({quoted(column)}, {default}) as {quoted(column)}" if default else quoted(column)


def _marks(bad: Mapping[str, str], names: Mapping[str, str]) -> str:
    if not bad:
        return "null::varchar[] as _bad, null::varchar as _raw"
    rules = ", ".join(f"case when {test} then '{rule}' end" for rule, test in bad.items())
    row = ", ".join(f"{quoted(ours)} := try_cast({_raw(ours)} as varchar)" for ours in names)
    return (
        f"case when _fails then list_filter([{rules}], lambda rule: rule is not null) end as _bad,"
        f" case when _fails then cast(to_json(struct_pack({row})) as varchar) end as _raw"
    )


def _coalesced(tests: list[str]) -> str:
    return f"coalesce({', '.join(tests)})" if tests else "null::varchar"


def _matched(charter: Charter, signal: Signal, source: Mapping[str, str]) -> dict[str, str]:
    """Our column → the source's column, for those that it has."""
    contract, wanted = charter.contract.of(signal), signal_columns(charter, signal)
    required = {*REQUIRED[signal]} | (
        {c.name for c in charter.columns if not c.nullable} if signal is Signal.PREDICTIONS else set()
    )
    spelled = {ours: contract.columns.get(ours, ours) for ours in wanted}
    missing = [spelled[ours] for ours in wanted if ours in required and spelled[ours] not in source]
    absent = [theirs for ours, theirs in spelled.items() if ours in contract.columns and theirs not in source]
    if missing or absent:
        raise SourceError(
            f"The source has no column {_listed(missing or absent)}; it has {_listed(source)}",
            f"the {signal} of {charter.name} with {_listed(spelled[c] for c in wanted if c in required)}",
            f"check the file and its delimiter, or map the names under [contract.{signal}.columns]",
        )
    unknown = [
        c for c in source if c not in spelled.values() and c not in contract.ignore and "*" not in contract.ignore
    ]
    if unknown:
        hints = [
            f"{u} is perhaps {near[0]}"
            for u in unknown
            if (near := difflib.get_close_matches(u, spelled.values(), n=1, cutoff=0.75))
        ]
        raise SourceError(
            f"The charter does not know the column {_listed(unknown)}" + (f" ({'; '.join(hints)})" if hints else ""),
            f"columns among {_listed(spelled.values())}",
            f"declare it under [[features]] or [[context]], map it under [contract.{signal}.columns], or list it in contract.{signal}.ignore",
        )
    return {ours: theirs for ours, theirs in spelled.items() if theirs in source}


def _notes(charter: Charter, signal: Signal, names: Mapping[str, str], source: Mapping[str, str]) -> tuple[str, ...]:
    if signal is not Signal.PREDICTIONS:
        return ()
    absent = [c.name for c in charter.columns if c.name not in names]
    return (f"not delivered, so null: {', '.join(absent)}",) if absent else ()


def _listed(names: Any) -> str:
    shown = [repr(name) for name in names]
    return ", ".join(shown[:12]) + (f" and {len(shown) - 12} more" if len(shown) > 12 else "")
