"""Rows that failed a gate: look at them, correct them, or dismiss them with a reason; `replay` sends them again."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from loop_core.errors import RefusedError, SourceError, UnknownNameError, following
from loop_core.gates.commit import RECORDED_LATER
from loop_core.gates.report import RuleCount
from loop_core.lake import Transaction, signal_columns
from loop_core.ledger import refuse_unseen
from loop_core.vocabulary import Signal

if TYPE_CHECKING:
    from loop_core.workspace import Loop

#: States of a quarantined row in which it can still be worked on.
OPEN = ("open", "fixed")


@dataclass(frozen=True)
class QuarantinedRow:
    """One row that waits."""

    quarantine_id: str
    batch_id: str
    signal: Signal
    rules: tuple[str, ...]
    """Names of the rules it broke."""
    row: Mapping[str, Any]
    """Our column → the value as text: as delivered in a row of which a value cannot be read, else as its type is written (`-1`
    as `-1.0`). For a line that was no record `_line`, and `_number`, its number."""
    arrived_at: datetime
    state: str
    """`open`, `fixed` (changed, not replayed yet), `replayed` (in the lake now), `dismissed`; `stopped`: of a batch that was
    stopped as a whole, kept to be looked at (then `rules` may be empty)."""
    reason: str | None
    """Why it was changed or dismissed."""
    decided_by: str | None
    decided_at: datetime | None


@dataclass(frozen=True)
class Decision:
    """What somebody decided about rows that waited."""

    state: str
    """`fixed` or `dismissed`."""
    actor: str
    as_of: datetime
    reason: str
    more: Mapping[str, Any] = field(default_factory=dict)
    """What else the ledger notes."""


def list_rows(
    loop: Loop,
    *,
    signal: Signal | None = None,
    rule: str | None = None,
    state: str | None = None,
    batch: str | None = None,
    offset: int = 0,
    limit: int = 50,
) -> list[QuarantinedRow]:
    """Quarantined rows, newest first; without `state` those that can still be worked on.

    `batch`: only rows of the batch whose id begins so; without `state` in any, those of a stopped batch among them.
    """
    found = loop.lake.rows(
        f"""select quarantine_id, batch_id, signal, rules, row_json, arrived_at, state, reason, decided_by, decided_at
        from {loop.table("quarantine")}
        where ($states is null or list_contains($states, state)) and ($batch is null or starts_with(batch_id, $batch)) and ($signal is null or signal = $signal) and ($rule is null or list_contains(rules, $rule))
        order by arrived_at desc, quarantine_id limit $limit offset $offset""",
        {
            "states": [state] if state else None if batch else list(OPEN),
            "batch": batch,
            "signal": signal.value if signal else None,
            "rule": rule,
            "limit": limit,
            "offset": offset,
        },
    )
    return [QuarantinedRow(r[0], r[1], Signal(r[2]), tuple(r[3]), json.loads(r[4]), *r[5:]) for r in found]


def rule_counts(loop: Loop, as_of: datetime) -> list[RuleCount]:
    """Broken rules of the rows that wait and had arrived at `as_of`, most rows first."""
    found = loop.lake.rows(
        f"""select rule, count(*) from (select unnest(rules) as rule from {loop.table("quarantine")}
        where list_contains($states, state) and arrived_at <= $as_of) group by rule order by 2 desc, 1""",
        {"states": list(OPEN), "as_of": as_of},
    )
    return [RuleCount(*row) for row in found]


def workable(loop: Loop, quarantine_ids: Sequence[str], seen: int | None = None) -> list[QuarantinedRow]:
    """The rows, in the order asked for, all of them still open, and as they were seen (see `dismiss`)."""
    ids = list(dict.fromkeys(quarantine_ids))
    if not ids:
        raise RefusedError("No rows were named", "at least one id from the quarantine", "list the quarantine")
    rows = {row.quarantine_id: row for row in _rows(loop, ids)}
    for quarantine_id in ids:
        if quarantine_id not in rows:
            raise SourceError(
                f"There is no quarantined row {quarantine_id!r}",
                "an id from the quarantine of this loop",
                "list the quarantine",
            )
        if rows[quarantine_id].state not in OPEN:
            raise RefusedError(
                f"Row {quarantine_id} is {rows[quarantine_id].state} already",
                "a row that still waits",
                "list the quarantine again",
            )
    fixes = [entry for entry in loop.entries("quarantine.fixed") if not rows.keys().isdisjoint(entry.payload["rows"])]
    refuse_unseen("what is in the quarantine", fixes, seen)
    return [rows[quarantine_id] for quarantine_id in ids]


def fix(
    loop: Loop,
    quarantine_id: str,
    changes: Mapping[str, str | None],
    *,
    actor: str,
    as_of: datetime,
    reason: str = "",
    seen: int | None = None,
) -> QuarantinedRow:
    """Change values of a quarantined row; it enters the lake once it is replayed and passes.

    Args:
        changes: our column → new value as text; None: no value.
        seen: as for `dismiss`.

    Raises:
        UnknownNameError: no such row, or no such column.
        RefusedError: the row was replayed or dismissed already, changed since it was seen, or nothing changes.
    """
    row = workable(loop, [quarantine_id], seen)[0]
    known = signal_columns(loop.charter, row.signal)
    for column in changes:
        if column not in known:
            raise UnknownNameError(f"column of {row.signal.value}", column, known)
    if not changes:
        raise RefusedError("No changes were given", "at least one column and its new value", "name what to change")
    fixed = json.dumps({**row.row, **changes}, ensure_ascii=False)
    _decide(loop, [row], Decision("fixed", actor, as_of, reason, {"changes": dict(changes)}), fixed)
    return _rows(loop, [quarantine_id])[0]


def dismiss(
    loop: Loop, quarantine_ids: Sequence[str], *, actor: str, as_of: datetime, reason: str, seen: int | None = None
) -> int:
    """Close rows that shall never enter the lake; they stay readable. How many.

    `seen`: length of the ledger when the rows were shown; None: nobody was shown anything.

    Raises:
        RefusedError: no reason, or a row was replayed or dismissed already, or changed since it was seen.
        UnknownNameError: no such row.
    """
    if not reason.strip():
        raise RefusedError("Rows are dismissed with a reason only", "a sentence that explains it", "give the reason")
    rows = workable(loop, quarantine_ids, seen)
    _decide(loop, rows, Decision("dismissed", actor, as_of, reason))
    return len(rows)


def repair_decisions(loop: Loop) -> None:
    """Ledger entries for fixes and dismissals that were committed without one (after a kill)."""
    found = loop.lake.rows(
        f"select quarantine_id from {loop.table('quarantine')} where state in ('fixed', 'dismissed') order by quarantine_id"
    )
    if not found:
        return
    recorded = {
        (kind, quarantine_id)
        for kind in ("fixed", "dismissed")
        for entry in loop.entries(f"quarantine.{kind}")
        for quarantine_id in entry.payload["rows"]
    }
    for row in _rows(loop, [quarantine_id for (quarantine_id,) in found]):
        if (row.state, row.quarantine_id) not in recorded and row.decided_by and row.decided_at:
            _append(loop, [row], Decision(row.state, row.decided_by, row.decided_at, row.reason or ""))


def _rows(loop: Loop, ids: list[str]) -> list[QuarantinedRow]:
    found = loop.lake.rows(
        f"""select quarantine_id, batch_id, signal, rules, row_json, arrived_at, state, reason, decided_by, decided_at
        from {loop.table("quarantine")} where list_contains($ids, quarantine_id) order by quarantine_id""",
        {"ids": ids},
    )
    return [QuarantinedRow(r[0], r[1], Signal(r[2]), tuple(r[3]), json.loads(r[4]), *r[5:]) for r in found]


def _decide(loop: Loop, rows: list[QuarantinedRow], made: Decision, row_json: str | None = None) -> None:
    """Write a decision to rows (and, if given, another content), then to the ledger."""
    given = {"state": made.state, "reason": made.reason, "actor": made.actor, "as_of": made.as_of, "row_json": row_json}
    ids = [row.quarantine_id for row in rows]

    def body(tx: Transaction) -> None:
        refuse_changed(tx, loop, rows)
        tx.execute(
            f"""update {loop.table("quarantine")} set state = $state, reason = $reason, decided_by = $actor, decided_at = $as_of,
            row_json = coalesce($row_json, row_json) where list_contains($ids, quarantine_id)""",
            {**given, "ids": ids},
        )

    loop.lake.write(body, actor=made.actor, message=f"{len(rows)} quarantined rows {made.state}")
    with following(f"{len(rows):,} rows are {made.state}", RECORDED_LATER):
        _append(loop, rows, made)


def refuse_changed(tx: Transaction, loop: Loop, rows: Sequence[QuarantinedRow]) -> None:
    """RefusedError where somebody was faster: some of the rows do not wait any more, or say something else."""
    now = tx.execute(
        f"select quarantine_id, row_json from {loop.table('quarantine')} where list_contains($ids, quarantine_id) and list_contains($states, state)",
        {"ids": [row.quarantine_id for row in rows], "states": list(OPEN)},
    )
    if {key: json.loads(text) for key, text in now} != {row.quarantine_id: row.row for row in rows}:
        raise RefusedError(
            "Some of these rows were corrected, replayed or dismissed meanwhile",
            todo="nothing was done; list the quarantine again",
        )


def _append(loop: Loop, rows: list[QuarantinedRow], made: Decision) -> None:
    ids = [row.quarantine_id for row in rows]
    loop.ledger.append(
        kind=f"quarantine.{made.state}",
        loop=loop.name,
        subject=ids[0] if len(ids) == 1 else f"{len(ids)} rows",
        actor=made.actor,
        as_of=made.as_of,
        reason=made.reason,
        payload={"rows": ids, **made.more},
    )
