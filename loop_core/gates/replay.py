"""Quarantined rows go through the gates again, under the charter now in force; each enters the lake at most once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from loop_core.gates.batch import Batch
from loop_core.gates.commit import commit
from loop_core.gates.established import established
from loop_core.gates.quarantine import QuarantinedRow, refuse_changed, workable
from loop_core.gates.report import BatchReport
from loop_core.gates.settle import settle
from loop_core.gates.staged import Staged
from loop_core.gates.staging import stage, staging_folder
from loop_core.gates.typed import typed_query
from loop_core.lake import Transaction
from loop_core.lake.files import Relation
from loop_core.lake.json_lines import jsonl_relation
from loop_core.vocabulary import Signal

if TYPE_CHECKING:
    from pathlib import Path

    from loop_core.workspace import Loop


def replay(
    loop: Loop, quarantine_ids: Sequence[str], *, actor: str, as_of: datetime, seen: int | None = None
) -> list[BatchReport]:
    """Send rows through the gates again, under the charter now in force. Each enters at most once.

    `seen`: as for `dismiss`.

    Returns:
        One report for each signal among the rows. What passes or is in the lake already leaves the quarantine;
        what fails again stays, with its rules of now.

    Raises:
        UnknownNameError, RefusedError: as `dismiss`.
    """
    rows = workable(loop, quarantine_ids, seen)
    return [
        _replay_signal(loop, signal, [row for row in rows if row.signal is signal], actor, as_of)
        for signal in Signal
        if any(row.signal is signal for row in rows)
    ]


@dataclass(frozen=True)
class _Rows:
    """Quarantined rows as a source (see staging.Readable)."""

    name: str
    relation: Relation
    rows: int
    content: str
    chunk_rows: int = 50_000


def _replay_signal(loop: Loop, signal: Signal, rows: list[QuarantinedRow], actor: str, as_of: datetime) -> BatchReport:
    with staging_folder(loop.workspace.staging) as folder:
        source = _as_source(rows, folder, _replays(loop))
        columns = source.relation.parameters["columns"]
        flags = established(loop, signal, columns, source.relation, renamed=False)
        query = typed_query(loop.charter, signal, columns, renamed=False, flags=flags)
        staged = stage(loop, signal, source, query, folder, as_of, None)
        batch = Batch(staged.batch_id, signal, source.name, query.delivered, (), actor, as_of, rules=None)
        return commit(
            loop,
            staged,
            lambda tx: _settle_replay(tx, loop, staged, batch, rows),
            actor=actor,
            message=f"replay of {len(rows)} quarantined {signal.value}",
        )


def _replays(loop: Loop) -> int:
    return int(loop.lake.rows(f"select count(*) from {loop.table('batches')} where state = 'replayed'")[0][0])


def _as_source(rows: list[QuarantinedRow], folder: Path, replays: int) -> _Rows:
    file = folder / "replay.jsonl"
    text = "".join(json.dumps(dict(row.row), ensure_ascii=False) + "\n" for row in rows)
    file.write_text(text, encoding="utf-8")
    # How many replays went before is part of the identity: a row that fails twice is two replays.
    identity = f"{replays}\n" + "\n".join(row.quarantine_id for row in rows) + "\n" + text
    return _Rows("quarantine", jsonl_relation(file), len(rows), hashlib.sha256(identity.encode()).hexdigest())


def _settle_replay(
    tx: Transaction, loop: Loop, staged: Staged, batch: Batch, rows: list[QuarantinedRow]
) -> BatchReport:
    """Settle the rows as any batch; then those in the lake leave the quarantine and the others get their new rules."""
    ids = [row.quarantine_id for row in rows]
    table = loop.table("quarantine")
    refuse_changed(tx, loop, rows)
    report = settle(tx, loop, staged, batch)
    tx.execute(
        "create or replace temp table again as select _row, rules from (select _row, [coalesce(rule, $conflict)] as rules from judged"
        " where outcome in ('quarantined', 'conflicting'))",
        {"conflict": "row.conflict"},
    )
    if staged.failed:
        tx.execute("insert into again select _row, rules from read_parquet($failed)", {"failed": staged.failed_glob})
    tx.execute(
        "create or replace temp table asked as select unnest($ids) as id, unnest(range(len($ids))) as _row",
        {"ids": ids},
    )
    tx.execute(
        f"""merge into {table} as q using (select id, rules from asked left join again using (_row)) as a on (q.quarantine_id = a.id)
        when matched then update set state = case when a.rules is null then 'replayed' else q.state end,
          rules = coalesce(a.rules, q.rules), decided_by = $actor, decided_at = $as_of""",
        {"actor": batch.actor, "as_of": batch.as_of},
    )
    return report
