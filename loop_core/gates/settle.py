"""Staged rows → the lake, in one transaction: judged against what is there, then written with their account."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from loop_core.gates.account import write_batch, write_taken_again
from loop_core.gates.anomaly import judge
from loop_core.gates.batch import STAGED, Batch
from loop_core.gates.batch_rules import BatchFacts, breaches
from loop_core.gates.batch_stats import LOOK_BACK, BatchStats, past_batches, source_family, write_stats
from loop_core.gates.judging import judge_rows
from loop_core.gates.loss import REPLACED
from loop_core.gates.report import BatchReport, RuleCount
from loop_core.gates.staged import Staged
from loop_core.gates.writing import remove_stopped, write_quarantine, write_rows, write_stopped
from loop_core.lake import Transaction
from loop_core.lake.tables import EVENT_TIME, KEYS
from loop_core.vocabulary import Delivery

if TYPE_CHECKING:
    from loop_core.gates.loss import Loss
    from loop_core.workspace import Loop


def settle(tx: Transaction, loop: Loop, staged: Staged, batch: Batch) -> BatchReport:
    """Write a batch: accepted rows, quarantine and its row in `batches`; or, when it is stopped, the latter and some of
    its rows, to be looked at."""
    if batch.rules is not None and batch.loss is None and (known := known_batch(tx, loop, batch)) is not None:
        return known
    judge_rows(tx, loop, staged, batch)
    if batch.loss is not None and batch.loss.counts is not None:
        return _take_again(tx, loop, staged, batch, batch.loss)
    counts = Counter(dict(tx.execute("select outcome, count(distinct _row) from judged group by outcome")))
    rules = staged.rules + Counter(
        dict(tx.execute("select rule, count(*) from judged where rule is not null group by rule"))
    )
    quarantined = staged.failed + counts["quarantined"]
    again = (f"taken again: {batch.loss.cause}",) if batch.loss is not None else ()
    notes = again + batch.notes + _notes(tx, batch, staged, counts)
    broken = _breaches(tx, loop, staged, batch, quarantined)
    unusual, unjudged = _unusual(tx, loop, staged, batch)
    stopped = batch.rules is not None and (
        (bool(broken) and batch.rules.on_breach == "stop") or (bool(unusual) and batch.rules.on_anomaly == "stop")
    )
    report = BatchReport(
        batch_id=batch.batch_id,
        loop=loop.name,
        signal=Delivery(batch.signal),
        source=batch.source,
        received=staged.received,
        accepted=0
        if stopped
        else staged.accepted - counts["quarantined"] - counts["unchanged"] - counts["conflicting"],
        quarantined=0 if stopped else quarantined,
        unchanged=0 if stopped else counts["unchanged"],
        conflicting=0 if stopped else counts["conflicting"],
        state="stopped" if stopped else "ingested",
        rules=tuple(RuleCount(rule, n) for rule, n in sorted(rules.items(), key=lambda item: (-item[1], item[0]))),
        notes=broken + unusual + unjudged + notes,
    )
    if batch.rules is not None:
        remove_stopped(tx, loop, batch.batch_id)
    if stopped:
        write_stopped(tx, loop, staged, batch)
    else:
        write_rows(tx, loop, staged, batch, report.accepted - counts["updated"], counts["updated"])
        if batch.rules is not None:
            write_stats(tx, loop, batch.batch_id, staged.stats)
            write_quarantine(tx, loop, staged, batch, counts["quarantined"])
    account = report if batch.rules is not None else replace(report, state="replayed")
    write_batch(tx, loop, account, actor=batch.actor, as_of=batch.as_of, loss=batch.loss)
    return report


def _take_again(tx: Transaction, loop: Loop, staged: Staged, batch: Batch, loss: Loss) -> BatchReport:
    """Write the rows of a batch on record that the lake lacks. What is there stays as it is, whatever came since.

    Its rows in the quarantine are there, and its account stays that of when it came in.
    """
    condemned = tx.execute("select count(distinct _row) from judged")[0][0]
    lacking = staged.accepted - condemned
    if not lacking and (known := known_batch(tx, loop, batch)) is not None:
        # Rows of other batches stand where its own did: nothing was lost.
        return known
    write_rows(tx, loop, staged, batch, lacking, 0)
    fresh = BatchReport(batch.batch_id, loop.name, Delivery(batch.signal), batch.source, staged.received, lacking, 0, staged.received - lacking, 0, "taken_again", notes=batch.notes)  # fmt: skip
    return write_taken_again(tx, loop, fresh, loss, actor=batch.actor, as_of=batch.as_of)


def known_batch(tx: Transaction, loop: Loop, batch: Batch) -> BatchReport | None:
    """The report of a batch whose content is in the lake already; None: it is not."""
    rows = tx.execute(
        f"select received, accepted, quarantined, unchanged, conflicting from {loop.table('batches')}"
        " where batch_id = $batch_id and state not in ('stopped', 'retracted')",
        {"batch_id": batch.batch_id},
    )
    if not rows:
        return None
    received = rows[0][0]
    return BatchReport(
        batch.batch_id, loop.name, Delivery(batch.signal), batch.source, received, 0, 0, received, 0, "already_ingested"
    )


def _breaches(tx: Transaction, loop: Loop, staged: Staged, batch: Batch, quarantined: int) -> tuple[str, ...]:
    if batch.rules is None:
        return ()
    newest = None
    if batch.rules.max_age_days is not None:
        newest = tx.execute(f"select max({EVENT_TIME[batch.signal]}) from {STAGED}", {"rows": staged.rows_glob})[0][0]
    duplicates = 0
    if batch.rules.max_duplicate_share is not None:
        keys = ", ".join(KEYS[batch.signal])
        duplicates = tx.execute(
            f"select coalesce(sum(n - 1), 0)::bigint from (select count(*) as n from {STAGED} group by {keys})",
            {"rows": staged.rows_glob},
        )[0][0]
    facts = BatchFacts(
        staged.received,
        quarantined,
        duplicates,
        newest,
        batch.as_of,
        null_shares={column.column: column.null_share for column in staged.stats},
        weekday=_stats(staged, batch).weekday(loop.charter.loop.timezone),
    )
    return breaches(batch.rules, facts)


def _unusual(tx: Transaction, loop: Loop, staged: Staged, batch: Batch) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What sets the batch apart from the earlier ones of its source; and, where that would stop it, that it was not judged."""
    if batch.rules is None or batch.rules.on_anomaly == "off":
        return (), ()
    family = source_family(batch.source)
    past = past_batches(loop, batch.signal, until=batch.as_of, family=family, limit=LOOK_BACK, tx=tx)
    judgement = judge(_stats(staged, batch), past, loop.charter.loop.timezone)
    unjudged = judgement.reason is not None and batch.rules.on_anomaly == "stop"
    return judgement.sentences, (f"not compared with earlier batches: {judgement.reason}",) if unjudged else ()


def _stats(staged: Staged, batch: Batch) -> BatchStats:
    columns = {column.column: column for column in staged.stats}
    return BatchStats(batch.batch_id, batch.signal, batch.source, batch.as_of, staged.received, columns)


def _notes(tx: Transaction, batch: Batch, staged: Staged, counts: Counter[str]) -> tuple[str, ...]:
    notes = []
    if counts["conflicting"]:
        ids = tx.execute(
            f"select {KEYS[batch.signal][0]} from {STAGED} s semi join (select _row from judged where outcome = 'conflicting') using (_row)"
            " order by _row limit 5",
            {"rows": staged.rows_glob},
        )
        notes.append(
            f"{counts['conflicting']:,} rows have an id that is in the lake with other content, e.g. {', '.join(row[0] for row in ids)}"
        )
    if counts["updated"]:
        notes.append(f"{counts['updated']:,} rows {REPLACED}")
    return tuple(notes)
