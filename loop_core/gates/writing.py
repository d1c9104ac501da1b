"""A judged batch into the lake's tables: new rows, updates, quarantine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loop_core.gates.account import retractions
from loop_core.gates.batch import STAGED, Batch
from loop_core.gates.staged import Staged
from loop_core.lake import Transaction, adopt, quoted, signal_columns
from loop_core.lake.tables import KEYS

#: So many rows of a stopped batch are kept.
SHOWN_ROWS = 200

if TYPE_CHECKING:
    from loop_core.workspace import Loop


def write_rows(tx: Transaction, loop: Loop, staged: Staged, batch: Batch, new: int, updated: int) -> None:
    """New rows and updates of a batch that is accepted."""
    if new == staged.accepted and new and staged.adoptable:
        # Every staged row enters: the lake takes the files, which is a third of the work of writing them again.
        table = (loop.name, batch.signal.value)
        adopt(tx, loop.lake.location, table, staged.folder / "rows", staged.row_files)
    elif new:
        _insert(tx, loop, staged, batch)
    if updated:
        _update(tx, loop, staged, batch)


def _insert(tx: Transaction, loop: Loop, staged: Staged, batch: Batch) -> None:
    columns = ", ".join(quoted(c) for c in signal_columns(loop.charter, batch.signal))
    tx.execute(
        f"insert into {loop.table(batch.signal.value)} ({columns}, batch_id) select {columns}, $batch_id from {STAGED}"
        " where _row not in (select _row from judged)",
        {"rows": staged.rows_glob, "batch_id": batch.batch_id},
    )


def _update(tx: Transaction, loop: Loop, staged: Staged, batch: Batch) -> None:
    changed = ", ".join(f"{quoted(c)} = s.{quoted(c)}" for c in batch.delivered if c not in KEYS[batch.signal])
    tx.execute(
        f"""merge into {loop.table(batch.signal.value)} as l
        using (select * from {STAGED} semi join (from judged where outcome = 'updated') using (_row)) as s
        on ({" and ".join(f"s.{k} = l.{k}" for k in KEYS[batch.signal])})
        when matched then update set {changed}, batch_id = $batch_id""",
        {"rows": staged.rows_glob, "batch_id": batch.batch_id},
    )


def write_quarantine(tx: Transaction, loop: Loop, staged: Staged, batch: Batch, judged: int) -> None:
    """Rows that failed a rule while staged, and those that the lake's content condemned."""
    insert = (
        f"insert into {loop.table('quarantine')} (quarantine_id, batch_id, signal, rules, row_json, arrived_at, state)"
        " select left($batch_id, 16) || $again || '-' || _row, $batch_id, $signal, rules, row_json, $as_of, 'open' from "
    )
    again = retractions(tx, loop, batch.batch_id)
    parameters = {
        "again": f".{again}" if again else "",
        "batch_id": batch.batch_id,
        "signal": batch.signal.value,
        "as_of": batch.as_of,
    }
    if staged.failed:
        tx.execute(f"{insert} read_parquet($failed)", parameters | {"failed": staged.failed_glob})
    if judged:
        row = ", ".join(f"{quoted(c)} := cast({quoted(c)} as varchar)" for c in batch.delivered)
        tx.execute(
            f"""{insert} (select _row, [rule] as rules, cast(to_json(struct_pack({row})) as varchar) as row_json
            from {STAGED} join (from judged where outcome = 'quarantined') using (_row))""",
            parameters | {"rows": staged.rows_glob},
        )


def write_stopped(tx: Transaction, loop: Loop, staged: Staged, batch: Batch) -> None:
    """Rows of a batch that is stopped, to be looked at: those that failed a rule first, then others, SHOWN_ROWS in all."""
    insert = (
        f"insert into {loop.table('quarantine')} (quarantine_id, batch_id, signal, rules, row_json, arrived_at, state)"
        " select left($batch_id, 16) || '-stopped-' || _row, $batch_id, $signal, rules, row_json, $as_of, 'stopped' from "
    )
    given = {"batch_id": batch.batch_id, "signal": batch.signal.value, "as_of": batch.as_of}
    if staged.failed:
        failed = "(select * from read_parquet($failed) order by abs(_row) limit $most)"
        tx.execute(f"{insert} {failed}", given | {"failed": staged.failed_glob, "most": SHOWN_ROWS})
    if staged.failed < SHOWN_ROWS:
        row = ", ".join(f"{quoted(c)} := cast({quoted(c)} as varchar)" for c in batch.delivered)
        broken = "(select _row, list(rule order by rule) filter (rule is not null) as broken from judged group by _row)"
        tx.execute(
            f"""{insert} (select _row, coalesce(broken, []) as rules, cast(to_json(struct_pack({row})) as varchar) as row_json
            from {STAGED} left join {broken} using (_row) order by broken is null, _row limit $most)""",
            given | {"rows": staged.rows_glob, "most": SHOWN_ROWS - staged.failed},
        )


def remove_stopped(tx: Transaction, loop: Loop, batch_id: str) -> None:
    """The rows that an earlier attempt left to be looked at."""
    tx.execute(
        f"delete from {loop.table('quarantine')} where batch_id = $batch_id and state = 'stopped'",
        {"batch_id": batch_id},
    )
