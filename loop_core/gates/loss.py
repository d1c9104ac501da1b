"""Rows of a batch on record that are not in the lake any more: its file is damaged, or they were lost before.

The same source given again is the way back: what is still there stays, and what is lacking enters anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from loop_core.lake import DamagedFile, Transaction, damage_of_batches
from loop_core.vocabulary import Delivery, Signal

if TYPE_CHECKING:
    from loop_core.workspace import Loop

#: Of rows in whose place older ones stood; a retraction brings those back.
REPLACED = "replaced an older content of the same id"
_IN_THE_LAKE = ("ingested", "replayed")


@dataclass(frozen=True)
class Loss:
    """Why a batch on record is taken again."""

    again: int
    """How often its content will have been taken out or taken again; part of the ledger entry's key."""
    cause: str
    """What is wrong, as a sentence without its full stop."""
    counts: tuple[int, int, int, int] | None
    """Accepted, quarantined, unchanged and conflicting rows of when it came in; None: the lake does not know the batch."""


@dataclass(frozen=True)
class IncompleteBatch:
    """A batch of which the lake has fewer rows than it accepted."""

    batch_id: str
    signal: Delivery
    source: str
    rows: int
    """Rows that are lacking, at least 1."""
    replayed: bool
    """It came out of the quarantine, not from a source."""

    @property
    def sentence(self) -> str:
        return f"{self.rows:,} accepted {self.signal.value} from {self.source} (batch {self.batch_id[:12]}) are not in the lake"

    @property
    def todo(self) -> str:
        return "restore the lake from a backup" if self.replayed else "give `loop ingest` the same source again"


def find_loss(loop: Loop, signal: Signal | Delivery, batch_id: str, *, actor: str) -> Loss | None:
    """What a batch on record lacks; None: nothing, or it is not on record. Damaged files with its rows leave the lake.

    Args:
        loop: the loop.
        signal: of the batch.
        batch_id: sha256 over loop, signal and content.
        actor: who gives the source again.
    """
    columns = "state, coalesce(retractions, 0), accepted, quarantined, unchanged, conflicting"
    rows = loop.lake.rows(
        f"select {columns} from {loop.table('batches')} where batch_id = $batch_id", {"batch_id": batch_id}
    )
    if not rows:
        return _unknown(loop, signal, batch_id)
    state, again, *counts = rows[0]
    if state not in _IN_THE_LAKE:
        return None
    damaged = damage_of_batches(loop.lake, [batch_id])
    if damaged:
        set_damage_aside(loop, damaged, actor=actor)
        cause = "; ".join(damage.sentence for damage in damaged)
    else:
        there = loop.lake.rows(
            f"select count(*) from {loop.table(signal.value)} where batch_id = $batch_id", {"batch_id": batch_id}
        )[0][0]
        if there >= counts[0]:
            return None
        cause = f"the lake has {there:,} of the {counts[0]:,} rows that it accepted"
    return Loss(again + 1, cause, (counts[0], counts[1], counts[2], counts[3]))


def set_damage_aside(loop: Loop, damaged: Sequence[DamagedFile], *, actor: str) -> None:
    """Go on without damaged files of a loop's signals. What was counted from their rows is counted again."""

    def forget(tx: Transaction) -> None:
        # The change feed would read the files.
        for table in ("profile_state", "measure_state"):
            tx.execute(f"delete from {loop.table(table)}")
        for damage in damaged:
            tx.execute(
                f"update {loop.table('batches')} set notes = concat_ws('; ', nullif(notes, ''), $note) where list_contains($ids, batch_id)",
                {"ids": list(damage.batch_ids), "note": f"rows of it were lost: {damage.path} {damage.fault}"},
            )

    loop.lake.set_aside(forget, damaged, actor=actor, message=f"{len(damaged)} damaged files set aside")


def lacking(loop: Loop) -> list[IncompleteBatch]:
    """Batches of which rows are not in the lake.

    Of a signal, or a model's scores, whose rows replaced one another it is not known which batch they left, so none of
    its batches is judged.
    """
    found = []
    for signal in Delivery:
        sql = f"""with there as (select batch_id, count(*) as n from {loop.table(signal.value)} group by batch_id),
            known as (from {loop.table("batches")} where signal = $signal)
            select batch_id, source_name, accepted - coalesce(n, 0) as rows, state = 'replayed'
            from known left join there using (batch_id)
            where state in ('ingested', 'replayed') and accepted > coalesce(n, 0)
            and not exists (from known other where contains(other.notes, $replaced)
              and other.model_version is not distinct from known.model_version) order by source_name, batch_id"""
        rows = loop.lake.rows(sql, {"signal": signal.value, "replaced": REPLACED})
        found += [IncompleteBatch(batch, signal, source, n, replayed) for batch, source, n, replayed in rows]
    return found


def _unknown(loop: Loop, signal: Signal | Delivery, batch_id: str) -> Loss | None:
    """A batch of which only the ledger knows."""
    entries = loop.ledger.entries(loop=loop.name, kind="batch.ingested", subject=f"{signal.value} {batch_id[:12]}")
    mine = [entry for entry in entries if entry.payload["batch_id"] == batch_id and entry.payload["state"] != "stopped"]
    if not mine:
        return None
    again = max(entry.payload.get("retractions") or 0 for entry in mine) + 1
    return Loss(again, "it is on record, and the lake knows nothing of it", None)
