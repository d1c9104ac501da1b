"""A source → the lake, exactly once: staged and gated outside any lock, written in one transaction, then recorded."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from loop_core.errors import RefusedError
from loop_core.gates.batch import Batch
from loop_core.gates.commit import commit, record, record_retractions
from loop_core.gates.established import established
from loop_core.gates.loss import find_loss
from loop_core.gates.quarantine import repair_decisions
from loop_core.gates.report import BatchReport
from loop_core.gates.settle import settle
from loop_core.gates.staging import Progress, batch_id, remove_stale, stage, staging_folder
from loop_core.gates.typed import typed_query
from loop_core.signals.naming import finish_namings
from loop_core.signals.source import Source
from loop_core.vocabulary import Delivery, Signal

if TYPE_CHECKING:
    from loop_core.workspace import Loop


def ingest(
    loop: Loop, signal: Signal, source: Source, *, actor: str, as_of: datetime, progress: Progress | None = None
) -> BatchReport:
    """Bring a source into a loop. The same content again changes nothing, but for rows of it that the lake has lost since:
    they are taken again, and the record says so.

    Args:
        loop: the loop; its charter says what may enter.
        signal: what the rows are.
        source: from `read_source`.
        actor: who delivers.
        as_of: UTC instant of arrival; rows that happened later are quarantined.
        progress: called with the share done and a sentence.

    Returns:
        What became of every row: accepted + quarantined + refused = received.

    Raises:
        SourceError: the source as a whole cannot be used (missing or unknown columns, times without zone, …).
        CharterError: a rule of the charter cannot be evaluated.
        StorageError: the workspace cannot be written. Nothing entered then.
    """
    if as_of.tzinfo is None:
        raise RefusedError(f"as_of {as_of} has no zone", "a UTC instant", "give it its zone")
    repair(loop)
    typed_query(loop.charter, signal, source.columns)  # raises where its columns are not the charter's
    loss = None
    if source.content is not None:
        loss = find_loss(loop, signal, batch_id(loop.name, signal, source.content), actor=actor)
        if loss is None and (known := _already(loop, signal, source)) is not None:
            return known
    flags = established(loop, signal, source.columns, source.relation)
    query = typed_query(loop.charter, signal, source.columns, flags=flags)
    with staging_folder(loop.workspace.staging) as folder:
        staged = stage(loop, signal, source, query, folder, as_of, progress)
        source.check_unchanged()
        if source.content is None:
            loss = find_loss(loop, signal, staged.batch_id, actor=actor)
        batch = Batch(
            batch_id=staged.batch_id,
            signal=signal,
            source=source.name,
            delivered=query.delivered,
            notes=query.notes + staged.notes,
            actor=actor,
            as_of=as_of,
            rules=loop.charter.gates.of(signal),
            loss=loss,
        )
        message = f"{signal.value} from {source.name}"
        report = commit(loop, staged, lambda tx: settle(tx, loop, staged, batch), actor=actor, message=message)
    if progress is not None:
        progress(1.0, report.sentence)
    return report


def repair(loop: Loop) -> None:
    """After a kill: ledger entries for what committed without one, and no staging of dead processes."""
    record(loop)
    record_retractions(loop)
    repair_decisions(loop)
    finish_namings(loop)
    remove_stale(loop.workspace.staging)


def _already(loop: Loop, signal: Signal, source: Source) -> BatchReport | None:
    """The report of a file that is in the lake, known without reading it."""
    identity = batch_id(loop.name, signal, source.content or "")
    rows = loop.lake.rows(
        f"select received from {loop.table('batches')} where batch_id = $batch_id and state not in ('stopped', 'retracted')",
        {"batch_id": identity},
    )
    if not rows:
        return None
    record(loop, identity)
    return BatchReport(
        identity, loop.name, Delivery(signal), source.name, rows[0][0], 0, 0, rows[0][0], 0, "already_ingested"
    )
