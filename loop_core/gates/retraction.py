"""Rows that should never have been accepted, taken out again: a whole batch, with a reason, on record."""

from __future__ import annotations

import json
from bisect import bisect_left
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from loop_core.errors import RefusedError, SourceError, following
from loop_core.gates.commit import RECORDED_LATER, RETRACTED, record, record_retractions
from loop_core.gates.loss import REPLACED, set_damage_aside
from loop_core.lake import Transaction, damage_of_batches
from loop_core.lake.tables import EVENT_TIME, KEYS
from loop_core.ledger import refuse_unseen
from loop_core.signals.cells import canonical
from loop_core.vocabulary import Delivery, Signal

if TYPE_CHECKING:
    from loop_core.workspace import Loop

#: A batch is named by at least so many characters of its id.
MIN_ID = 6


@dataclass(frozen=True)
class Retraction:
    """A batch that was taken out, and what that left behind."""

    batch_id: str
    loop: str
    signal: Delivery
    model_version: str | None
    """Of scores: the model that gave them; None: of a signal."""
    source: str
    rows: int
    """Rows taken out of the lake."""
    restored: int
    """Of them, those in whose place an older content stands again."""
    outcomes: int
    """Outcomes about predictions that are gone: they stay, and count again once the predictions are ingested again."""
    feedback: int
    """Feedback about them: it stays, as feedback about no known prediction."""
    waiting: int
    """Rows that it had brought in from the quarantine: they wait there again."""
    state: str
    """`retracted`; `already_retracted`: it was before, nothing changed."""

    @property
    def sentence(self) -> str:
        """For people."""
        if self.state == "already_retracted":
            return f"{self.source} was retracted before ({self.rows:,} rows); nothing changed."
        whose = f" of {self.model_version}" if self.model_version is not None else ""
        parts = [f"{self.rows:,} {self.signal.value}{whose} from {self.source} are out of the lake"]
        parts += [f"the older content of {self.restored:,} of them is back"] if self.restored else []
        parts += [f"{self.waiting:,} rows wait in the quarantine again"] if self.waiting else []
        left = [f"{self.outcomes:,} outcomes"] * (self.outcomes > 0) + [f"{self.feedback:,} feedback items"] * (
            self.feedback > 0
        )
        parts += [f"{' and '.join(left)} about them stay, for when they come again"] if left else []
        return "; ".join(parts) + "."


def retract(loop: Loop, batch: str, *, actor: str, as_of: datetime, reason: str, seen: int | None = None) -> Retraction:
    """Take a batch out of the lake. Doing it twice changes nothing; the same file can be ingested again afterwards.

    Effective for every read from the commit on, at whatever `as_of`: the rows were never right. Only what is pinned to an
    older snapshot of the lake, a model's training set, still reads them. Rows that replaced an older content give way to
    it while the snapshot before the batch is there. Rows of the batch that wait in the quarantine leave it; those that a
    replay brought in wait there again.

    Args:
        loop: the loop.
        batch: its id, or the first characters of it, six at least.
        actor: who does it.
        as_of: UTC instant in the loop's time.
        reason: for the record.
        seen: length of the ledger when the batch was shown; None: nobody was shown anything.

    Raises:
        RefusedError: no reason, a batch that was taken out or came in again since it was seen, one that was stopped, or an
            id that is too short or fits several.
        SourceError: there is no such batch.
        StorageError: the lake cannot be written. Nothing changed then.
    """
    if not reason.strip():
        raise RefusedError("A batch is retracted with a reason only", todo="add the reason: it goes on record")
    record(loop)
    steps = sorted((*loop.entries("batch.ingested"), *loop.entries(RETRACTED)), key=lambda entry: entry.seq)
    mine = [entry for entry in steps if str(entry.payload.get("batch_id", "")).startswith(batch)]
    refuse_unseen(f"batch {batch[:12]}", mine, seen)
    _set_damage_aside(loop, batch, actor)
    result = loop.lake.write(
        lambda tx: _retract(tx, loop, batch, (actor, as_of, reason)), actor=actor, message=f"retraction of {batch}"
    )
    with following(result.sentence, RECORDED_LATER):
        record_retractions(loop, result.batch_id)
    return result


def _set_damage_aside(loop: Loop, named: str, actor: str) -> None:
    """Go on without damaged files of the batch: its rows could not be deleted from them."""
    if len(named) < MIN_ID:
        return
    sql = f"select batch_id from {loop.table('batches')} where starts_with(batch_id, $named)"
    damaged = damage_of_batches(loop.lake, [row[0] for row in loop.lake.rows(sql, {"named": named})])
    if damaged:
        set_damage_aside(loop, damaged, actor=actor)


def _retract(tx: Transaction, loop: Loop, named: str, decision: tuple[str, datetime, str]) -> Retraction:
    batch = _named(tx, loop, named)
    identity, signal = {"batch_id": batch["batch_id"]}, Delivery(batch["signal"])
    if batch["state"] == "retracted":
        return Retraction(batch["batch_id"], loop.name, signal, batch["model_version"], batch["source_name"], batch["retracted_rows"], 0, 0, 0, 0, "already_retracted")  # fmt: skip
    table = loop.table(signal.value)
    older = _older(tx, loop, batch, signal) if REPLACED in (batch["notes"] or "") else 0
    rows = tx.execute(f"select count(*) from {table} where batch_id = $batch_id", identity)[0][0]
    waiting = _wait_again(tx, loop, batch, signal) if batch["state"] == "replayed" else 0
    tx.execute(f"delete from {table} where batch_id = $batch_id", identity)
    if older:
        tx.execute(f"insert into {table} by name select * from older")
    about = signal is Delivery.PREDICTIONS
    outcomes, feedback = (_orphans(tx, loop, other) if about else 0 for other in ("outcomes", "feedback"))
    tx.execute(f"delete from {loop.table('batch_stats')} where batch_id = $batch_id", identity)
    told = identity | dict(zip(("actor", "as_of", "reason"), decision, strict=True))
    tx.execute(
        f"""update {loop.table("quarantine")} set state = 'retracted', reason = $reason, decided_by = $actor, decided_at = $as_of
        where batch_id = $batch_id and state in ('open', 'fixed')""",
        told,
    )
    tx.execute(
        f"""update {loop.table("batches")} set state = 'retracted', reason = $reason, retracted_by = $actor,
        retracted_at = $as_of, retracted_rows = $rows where batch_id = $batch_id""",
        told | {"rows": rows},
    )
    return Retraction(
        batch["batch_id"],
        loop.name,
        signal,
        batch["model_version"],
        batch["source_name"],
        rows,
        older,
        outcomes,
        feedback,
        waiting,
        "retracted",
    )


def _named(tx: Transaction, loop: Loop, named: str) -> dict[str, Any]:
    """The batch of an id or its beginning."""
    if len(named) < MIN_ID:
        raise RefusedError(f"The id {named!r} is too short", todo=f"give {MIN_ID} characters of it or more")
    names = (
        "batch_id",
        "signal",
        "model_version",
        "source_name",
        "state",
        "notes",
        "retracted_rows",
        "retractions",
        "actor",
        "arrived_at",
    )
    found = tx.execute(
        f"select {', '.join(names)} from {loop.table('batches')} where starts_with(batch_id, $named)", {"named": named}
    )
    if not found:
        raise SourceError(f"{loop.name} has no batch {named!r}", todo=f"`loop batches {loop.name}` lists them")
    if len(found) > 1:
        raise RefusedError(f"{len(found)} batches begin with {named!r}", todo="give more of the id")
    batch = dict(zip(names, found[0], strict=True))
    if batch["state"] == "stopped":
        raise RefusedError(f"{batch['source_name']} was stopped: none of its rows entered, so none can be taken out")
    return batch


def _wait_again(tx: Transaction, loop: Loop, batch: dict[str, Any], signal: Delivery) -> int:
    """Open the quarantined rows again that a replay brought in and its retraction takes out; how many.

    One person may replay twice at one instant of the loop: what a replay brought in has an id that is the batch's.
    """
    key, table = KEYS[signal][0], loop.table("quarantine")
    of_batch = {"batch_id": batch["batch_id"]}
    sql = f"select {key} from {loop.table(signal.value)} where batch_id = $batch_id"
    there = {row[0] for row in tx.execute(sql, of_batch)}
    replayed = tx.execute(
        f"""select quarantine_id, row_json from {table}
        where state = 'replayed' and signal = $signal and decided_by = $actor and decided_at = $arrived_at""",
        {"signal": signal.value, "actor": batch["actor"], "arrived_at": batch["arrived_at"]},
    )
    ids = [name for name, row in replayed if canonical(str(json.loads(row).get(key))) in there]
    tx.execute(f"update {table} set state = 'open' where list_contains($ids, quarantine_id)", {"ids": ids})
    return len(ids)


def _older(tx: Transaction, loop: Loop, batch: dict[str, Any], signal: Delivery) -> int:
    """Fill `older` with the content that rows of a batch replaced, from the snapshot before it; how many rows.

    Content of a batch that was itself retracted stays out. 0: nothing was replaced, or that snapshot is gone.
    """
    snapshot = _before(tx, loop, batch["batch_id"], batch["retractions"] or 0)
    if snapshot is None:
        return 0
    keys, table = ", ".join(KEYS[signal]), loop.table(signal.value)
    tx.execute(
        f"""create or replace temp table older as select * from {table} at (version => {snapshot})
        where ({keys}) in (select ({keys}) from {table} where batch_id = $batch_id)
        and coalesce(batch_id, '') not in (select batch_id from {loop.table("batches")} where state = 'retracted')""",
        {"batch_id": batch["batch_id"]},
    )
    return int(tx.execute("select count(*) from older")[0][0])


def _before(tx: Transaction, loop: Loop, batch_id: str, again: int) -> int | None:
    """The newest snapshot that the batch had not come in to, or was out of again; None: it is gone.

    `again`: how often its content was taken out or taken again. It only grows, so the first snapshot of each number is
    found by halving; where the batch was in the lake before that one too, it was taken again, and came in earlier.
    """
    named = f"{loop.name}.batches"
    snapshots = [
        row[0]
        for row in tx.execute(
            """with known as (select snapshot_id, list_contains(flatten(map_values(changes)), $named) as made from ducklake_snapshots('lake'))
            select snapshot_id from known where snapshot_id >= (select coalesce(max(snapshot_id) filter (made), 0) from known) order by 1""",
            {"named": named},
        )
    ]
    before = len(snapshots)
    for number in range(again, -1, -1):
        before = bisect_left(snapshots, True, key=lambda at: _reached(tx, loop, batch_id, at, number))
        if not before or not _knows(tx, loop, batch_id, snapshots[before - 1]):
            break
    return int(snapshots[before - 1]) if before else None


def _reached(tx: Transaction, loop: Loop, batch_id: str, snapshot: int, again: int) -> bool:
    """Whether a batch had come in to a snapshot, with its content taken out or taken again so often."""
    return bool(
        _states(tx, loop, batch_id, snapshot, f"state <> 'stopped' and coalesce(retractions, 0) >= {int(again)}")
    )


def _knows(tx: Transaction, loop: Loop, batch_id: str, snapshot: int) -> bool:
    """Whether a batch was in the lake."""
    return bool(_states(tx, loop, batch_id, snapshot, "state in ('ingested', 'replayed')"))


def _states(tx: Transaction, loop: Loop, batch_id: str, snapshot: int, condition: str) -> list[tuple[Any, ...]]:
    table = f"{loop.table('batches')} at (version => {int(snapshot)})"
    return tx.execute(f"select state from {table} where batch_id = $batch_id and {condition}", {"batch_id": batch_id})


def _orphans(tx: Transaction, loop: Loop, table: str) -> int:
    """Rows about predictions that are not in the lake, of a time that can be read."""
    time = EVENT_TIME[Signal(table)]
    sql = f"""select count({time}) from {loop.table(table)} where prediction_id is not null
        and prediction_id not in (select prediction_id from {loop.table("predictions")})"""
    return int(tx.execute(sql)[0][0])
