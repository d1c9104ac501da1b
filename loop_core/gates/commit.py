"""Staged rows → lake → ledger. The lake's transaction is the commit point; the ledger entry follows from it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

from loop_core.errors import following
from loop_core.gates.report import BatchReport
from loop_core.gates.staged import Staged
from loop_core.lake import Lake, Transaction
from loop_core.paths import plain

if TYPE_CHECKING:
    from loop_core.workspace import Loop

#: From this many rows on, a batch is written over a connection of its own: in any order, in bounded memory.
_LARGE = 200_000
_MEMORY = "1GB"
#: State of a batch in the lake → the ledger's kind of entry.
_KINDS = {"ingested": "batch.ingested", "stopped": "batch.ingested", "replayed": "quarantine.replayed"}
#: What makes up for a ledger entry that could not be written.
RECORDED_LATER = "the next ingest writes its ledger entry; `loop doctor` says what lacks one"
#: Of a batch that was taken out.
RETRACTED = "batch.retracted"


def commit(
    loop: Loop, staged: Staged | None, body: Callable[[Transaction], BatchReport], *, actor: str, message: str
) -> BatchReport:
    """Run `body` in one lake transaction and record the batch in the ledger.

    Writers take turns, so two deliveries of one id cannot both find it new. `staged`: what the body reads; None: memory.
    """
    with _lake(loop, staged) as lake:
        report = lake.write(body, actor=actor, message=message)
    with following(report.sentence, RECORDED_LATER):
        record(loop, report.batch_id)
    return report


def record(loop: Loop, batch_id: str | None = None) -> int:
    """Give batches in the lake (one, or all) that lack it their ledger entry; how many lacked it."""
    names = "batch_id, signal, model_version, source_name, received, accepted, quarantined, unchanged, conflicting, state, notes, retractions, arrived_at, actor"
    one = f" where state <> 'retracted'{' and batch_id = $batch_id' if batch_id else ''}"
    rows = loop.lake.rows(
        f"select {names} from {loop.table('batches')}{one} order by arrived_at, batch_id",
        {"batch_id": batch_id} if batch_id else None,
    )
    batches = [dict(zip(names.split(", "), row, strict=True)) for row in rows]
    if batch_id is None:
        known = {
            (e.payload["batch_id"], e.as_of, e.payload.get("retractions"))
            for kind in set(_KINDS.values())
            for e in loop.entries(kind)
            if "batch_id" in e.payload
        }
        batches = [
            batch for batch in batches if (batch["batch_id"], batch["arrived_at"], batch["retractions"]) not in known
        ]
    for batch in batches:
        _append(loop, batch)
    return len(batches)


def _append(loop: Loop, batch: dict[str, Any]) -> None:
    arrived_at: datetime = batch.pop("arrived_at")
    actor, batch_id = batch.pop("actor"), batch["batch_id"]
    stopped = batch["state"] == "stopped"
    again = f" {batch['retractions']}" if batch["retractions"] else ""
    for name in ("retractions", "model_version"):
        if not batch[name]:
            del batch[name]
    loop.ledger.append(
        kind=_KINDS[batch["state"]],
        loop=loop.name,
        subject=f"{batch['signal']} {batch_id[:12]}",
        actor=actor,
        as_of=arrived_at,
        reason=batch["notes"] if stopped else "",
        payload=batch,
        # A stopped batch may come again and be let in, so the attempt has a key of its own.
        key=f"stopped {arrived_at.isoformat()} {batch_id}" if stopped else batch_id + again,
    )


def record_retractions(loop: Loop, batch_id: str | None = None) -> None:
    """Give batches that were taken out (one, or all) the ledger entry that they lack."""
    names = (
        "batch_id, signal, model_version, source_name, retracted_rows, retractions, reason, retracted_by, retracted_at"
    )
    one = " and batch_id = $batch_id" if batch_id else ""
    rows = loop.lake.rows(
        f"select {names} from {loop.table('batches')} where state = 'retracted'{one} order by retracted_at, batch_id",
        {"batch_id": batch_id} if batch_id else None,
    )
    for batch, signal, version, source, n, retractions, reason, actor, as_of in rows:
        loop.ledger.append(
            kind=RETRACTED,
            loop=loop.name,
            subject=f"{signal} {batch[:12]}",
            actor=actor,
            as_of=as_of,
            reason=reason,
            payload={"batch_id": batch, "signal": signal, "source_name": source, "rows": n}
            | ({"model_version": version} if version is not None else {}),
            key=f"retracted {retractions or 0} {batch}",
        )


@contextmanager
def _lake(loop: Loop, staged: Staged | None) -> Iterator[Lake]:
    if staged is None or staged.received < _LARGE:
        yield loop.lake
        return
    lake = Lake(loop.lake.location)
    try:
        lake.configure(f"set memory_limit = '{_MEMORY}'")
        lake.configure("set preserve_insertion_order = false")
        lake.configure("set temp_directory = $folder", {"folder": str(plain(staged.folder) / "spill")})
        yield lake
    finally:
        lake.close()
