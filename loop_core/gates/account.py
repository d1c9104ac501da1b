"""The row in `batches` that every delivery has, written in the transaction of its rows: the ledger's entry follows from it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from loop_core.gates.report import BatchReport
from loop_core.lake import Transaction

if TYPE_CHECKING:
    from loop_core.gates.loss import Loss
    from loop_core.workspace import Loop


def write_batch(
    tx: Transaction, loop: Loop, report: BatchReport, *, actor: str, as_of: datetime, loss: Loss | None = None
) -> None:
    """A batch's account; that of an attempt that was stopped, or was retracted, gives way to the next one.

    Args:
        tx: the transaction that writes its rows.
        loop: the loop.
        report: what became of it; its state is that of the batch.
        actor, as_of: who delivered, and when (UTC).
        loss: why it is taken again; None: it is not.
    """
    again = loss.again if loss is not None else retractions(tx, loop, report.batch_id)
    tx.execute(f"delete from {loop.table('batches')} where batch_id = $batch_id", {"batch_id": report.batch_id})
    values = {
        "batch_id": report.batch_id,
        "signal": report.signal.value,
        "model_version": report.model_version,
        "source_name": report.source,
        "arrived_at": as_of,
        "actor": actor,
        "received": report.received,
        "accepted": report.accepted,
        "quarantined": report.quarantined,
        "unchanged": report.unchanged,
        "conflicting": report.conflicting,
        "state": report.state,
        "notes": "; ".join(report.notes),
        "retractions": again or None,
    }
    columns, marks = ", ".join(values), ", ".join(f"${name}" for name in values)
    tx.execute(f"insert into {loop.table('batches')} ({columns}) values ({marks})", values)


def write_taken_again(
    tx: Transaction, loop: Loop, fresh: BatchReport, loss: Loss, *, actor: str, as_of: datetime
) -> BatchReport:
    """The account of a batch on record of which rows were lost and entered anew: that of when it came in, with a note.

    Args:
        tx, loop, actor, as_of: as for `write_batch`.
        fresh: what became of its rows now.
        loss: what the lake lacked.

    Returns:
        What is said to whoever gave it again.
    """
    said = f"{fresh.accepted:,} of its rows were not in the lake and were taken again, because {loss.cause}"
    accepted, quarantined, unchanged, conflicting = loss.counts or (0, 0, 0, 0)
    told = replace(fresh, state="taken_again", notes=(said, *fresh.notes))
    account = replace(
        told,
        accepted=accepted,
        quarantined=quarantined,
        unchanged=unchanged,
        conflicting=conflicting,
        state="ingested",
    )
    write_batch(tx, loop, account, actor=actor, as_of=as_of, loss=loss)
    return told


def retractions(tx: Transaction, loop: Loop, batch_id: str) -> int:
    """How often a content was taken out before."""
    sql = f"""select coalesce(sum(coalesce(retractions, 0) + (state = 'retracted')::int), 0)::bigint
        from {loop.table("batches")} where batch_id = $batch_id"""
    return int(tx.execute(sql, {"batch_id": batch_id})[0][0])
