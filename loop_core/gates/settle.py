"""Staged rows → the lake, in one transaction: judged against what is there, then written with their account."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from loop_core.charter import BatchRules
from loop_core.gates.anomaly import judge
from loop_core.gates.batch_rules import BatchFacts, breaches
from loop_core.gates.batch_stats import LOOK_BACK, BatchStats, past_batches, source_family, write_stats
from loop_core.gates.report import BatchReport, RuleCount
from loop_core.gates.staged import Staged
from loop_core.lake import Transaction, adopt, quoted, signal_columns
from loop_core.lake.tables import EVENT_TIME, KEYS
from loop_core.vocabulary import Signal

if TYPE_CHECKING:
    from loop_core.workspace import Loop

#: Filled when a prediction is served; compared only where the source had the score itself.
SERVED = frozenset({"score", "model_version", "route", "latency_ms", "error"})
#: Ids are compared in parts of about this many rows, so that a batch of any size fits in memory.
_PART_ROWS = 4_000_000
_STAGED = "read_parquet($rows, hive_partitioning = false)"


@dataclass(frozen=True)
class Batch:
    """What is known of a batch before it is judged."""

    batch_id: str
    signal: Signal
    source: str
    delivered: tuple[str, ...]
    notes: tuple[str, ...]
    actor: str
    as_of: datetime
    rules: BatchRules | None
    """Batch rules; None: rows from the quarantine, which are no delivery."""


def settle(tx: Transaction, loop: Loop, staged: Staged, batch: Batch) -> BatchReport:
    """Write a batch: accepted rows, quarantine and its row in `batches`; or, when it is stopped, only the latter."""
    if batch.rules is not None and (known := known_batch(tx, loop, batch)) is not None:
        return known
    _judge(tx, loop, staged, batch)
    counts = Counter(dict(tx.execute("select outcome, count(distinct _row) from judged group by outcome")))
    rules = staged.rules + Counter(
        dict(tx.execute("select rule, count(*) from judged where rule is not null group by rule"))
    )
    quarantined = staged.failed + counts["quarantined"]
    notes = batch.notes + _notes(tx, batch, staged, counts)
    broken = _breaches(tx, loop, staged, batch, quarantined)
    unusual, unjudged = _unusual(tx, loop, staged, batch)
    stopped = batch.rules is not None and (
        (bool(broken) and batch.rules.on_breach == "stop") or (bool(unusual) and batch.rules.on_anomaly == "stop")
    )
    report = BatchReport(
        batch_id=batch.batch_id,
        loop=loop.name,
        signal=batch.signal,
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
    if not stopped:
        _write_rows(tx, loop, staged, batch, report.accepted - counts["updated"], counts["updated"])
        if batch.rules is not None:
            write_stats(tx, loop, batch.batch_id, staged.stats)
            _write_quarantine(tx, loop, staged, batch, counts["quarantined"])
    write_batch(tx, loop, report, batch)
    return report


def known_batch(tx: Transaction, loop: Loop, batch: Batch) -> BatchReport | None:
    """The report of a batch whose content is in the lake already; None: it is not."""
    rows = tx.execute(
        f"select received, accepted, quarantined, unchanged, conflicting from {loop.table('batches')}"
        " where batch_id = $batch_id and state <> 'stopped'",
        {"batch_id": batch.batch_id},
    )
    if not rows:
        return None
    received = rows[0][0]
    return BatchReport(
        batch.batch_id, loop.name, batch.signal, batch.source, received, 0, 0, received, 0, "already_ingested"
    )


def write_batch(tx: Transaction, loop: Loop, report: BatchReport, batch: Batch) -> None:
    """The batch's row in `batches`; a stopped attempt gives way to the next one."""
    tx.execute(f"delete from {loop.table('batches')} where batch_id = $batch_id", {"batch_id": report.batch_id})
    values = {
        "batch_id": report.batch_id,
        "signal": report.signal.value,
        "source_name": report.source,
        "arrived_at": batch.as_of,
        "actor": batch.actor,
        "received": report.received,
        "accepted": report.accepted,
        "quarantined": report.quarantined,
        "unchanged": report.unchanged,
        "conflicting": report.conflicting,
        "state": report.state if batch.rules is not None else "replayed",
        "notes": "; ".join(report.notes),
    }
    columns, marks = ", ".join(values), ", ".join(f"${name}" for name in values)
    tx.execute(f"insert into {loop.table('batches')} ({columns}) values ({marks})", values)


def _judge(tx: Transaction, loop: Loop, staged: Staged, batch: Batch) -> None:
    """Fill `judged(_row, outcome, rule)` with every staged row that is not simply new."""
    tx.execute("create or replace temp table judged(_row bigint, outcome varchar, rule varchar)")
    repeats = _may_repeat(staged, batch)
    for part in _parts(staged):
        if repeats:
            _judge_repeated(tx, staged, batch, part)
        _judge_known(tx, loop, staged, batch, part)
        if batch.signal is not Signal.PREDICTIONS:
            _judge_unknown(tx, loop, staged, batch, part)


def _parts(staged: Staged) -> Iterator[str]:
    n = staged.accepted // _PART_ROWS + 1
    yield from (f"hash({{id}}) % {n} = {i}" if n > 1 else "true" for i in range(n))


def _may_repeat(staged: Staged, batch: Batch) -> bool:
    """Whether ids may occur twice: False where even their hashes are all different, which is quicker to see."""
    import polars as pl

    if staged.accepted > _PART_ROWS:
        return True
    rows = pl.scan_parquet(staged.row_files, hive_partitioning=False)
    return int(rows.select(pl.struct(KEYS[batch.signal]).hash().n_unique()).collect().item()) < staged.accepted


def _judge_repeated(tx: Transaction, staged: Staged, batch: Batch, part: str) -> None:
    """Ids twice in one batch: with one content, the later ones are unchanged; with several, none can be believed."""
    keys = ", ".join(KEYS[batch.signal])
    id_column = KEYS[batch.signal][0]
    content = ", ".join(f"{quoted(c)} := {quoted(c)}" for c in batch.delivered or KEYS[batch.signal])
    within = part.format(id=id_column)
    tx.execute(
        f"""insert into judged
        with repeated as (select {keys} from {_STAGED} where {within} group by {keys} having count(*) > 1),
        rows as (select * from {_STAGED} semi join repeated using ({keys})),
        kinds as (select {keys}, count(distinct struct_pack({content})) as kinds, min(_row) as first from rows group by {keys})
        select _row, case when kinds > 1 then 'quarantined' else 'unchanged' end, case when kinds > 1 then '{id_column}.duplicate' end
        from rows join kinds using ({keys}) where kinds > 1 or _row <> first""",
        {"rows": staged.rows_glob},
    )


def _judge_known(tx: Transaction, loop: Loop, staged: Staged, batch: Batch, part: str) -> None:
    """Ids that the lake has: the same content is unchanged, other content in conflict (or an update)."""
    table, keys = loop.table(batch.signal.value), ", ".join(KEYS[batch.signal])
    within = part.format(id=f"s.{KEYS[batch.signal][0]}")
    tx.execute("create or replace temp table matched(_row bigint)")
    tx.execute(
        f"insert into matched select s._row from {_STAGED} s join {table} using ({keys})"
        f" where {within} and s._row not in (select _row from judged)",
        {"rows": staged.rows_glob},
    )
    if tx.execute("select count(*) from matched")[0][0] == 0:
        return
    other = "updated" if loop.charter.contract.of(batch.signal).on_conflict == "update" else "conflicting"
    tx.execute(
        f"""insert into judged select s._row, case when {_differs(batch)} then '{other}' else 'unchanged' end, null
        from (select * from {_STAGED} semi join matched using (_row)) s
        join {table} l on {" and ".join(f"s.{k} = l.{k}" for k in KEYS[batch.signal])}""",
        {"rows": staged.rows_glob},
    )


def _differs(batch: Batch) -> str:
    tests = []
    for column in batch.delivered:
        if column not in KEYS[batch.signal]:
            test = f"s.{quoted(column)} is distinct from l.{quoted(column)}"
            tests.append(
                f"(s.score is not null and {test})" if batch.signal is Signal.PREDICTIONS and column in SERVED else test
            )
    return " or ".join(tests) or "false"


def _judge_unknown(tx: Transaction, loop: Loop, staged: Staged, batch: Batch, part: str) -> None:
    """Outcomes and feedback about a prediction nobody made, and outcomes known before their prediction."""
    early = "s.observed_at < p.predicted_at" if batch.signal is Signal.OUTCOMES else "false"
    tx.execute(
        f"""insert into judged select s._row, 'quarantined',
          case when p.prediction_id is null then 'prediction_id.unknown' else 'observed_at.before_prediction' end
        from {_STAGED} s left join {loop.table("predictions")} p using (prediction_id)
        where {part.format(id=f"s.{KEYS[batch.signal][0]}")} and s.prediction_id is not null
          and (p.prediction_id is null or {early}) and s._row not in (select _row from judged)""",
        {"rows": staged.rows_glob},
    )


def _breaches(tx: Transaction, loop: Loop, staged: Staged, batch: Batch, quarantined: int) -> tuple[str, ...]:
    if batch.rules is None:
        return ()
    newest = None
    if batch.rules.max_age_days is not None:
        newest = tx.execute(f"select max({EVENT_TIME[batch.signal]}) from {_STAGED}", {"rows": staged.rows_glob})[0][0]
    duplicates = 0
    if batch.rules.max_duplicate_share is not None:
        keys = ", ".join(KEYS[batch.signal])
        duplicates = tx.execute(
            f"select coalesce(sum(n - 1), 0)::bigint from (select count(*) as n from {_STAGED} group by {keys})",
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
            f"select {KEYS[batch.signal][0]} from {_STAGED} s semi join (select _row from judged where outcome = 'conflicting') using (_row)"
            " order by _row limit 5",
            {"rows": staged.rows_glob},
        )
        notes.append(
            f"{counts['conflicting']:,} rows have an id that is in the lake with other content, e.g. {', '.join(row[0] for row in ids)}"
        )
    if counts["updated"]:
        notes.append(f"{counts['updated']:,} rows replaced an older content of the same id")
    return tuple(notes)


def _write_rows(tx: Transaction, loop: Loop, staged: Staged, batch: Batch, new: int, updated: int) -> None:
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
        f"insert into {loop.table(batch.signal.value)} ({columns}, batch_id) select {columns}, $batch_id from {_STAGED}"
        " where _row not in (select _row from judged)",
        {"rows": staged.rows_glob, "batch_id": batch.batch_id},
    )


def _update(tx: Transaction, loop: Loop, staged: Staged, batch: Batch) -> None:
    changed = ", ".join(f"{quoted(c)} = s.{quoted(c)}" for c in batch.delivered if c not in KEYS[batch.signal])
    tx.execute(
        f"""merge into {loop.table(batch.signal.value)} as l
        using (select * from {_STAGED} semi join (from judged where outcome = 'updated') using (_row)) as s
        on ({" and ".join(f"s.{k} = l.{k}" for k in KEYS[batch.signal])})
        when matched then update set {changed}, batch_id = $batch_id""",
        {"rows": staged.rows_glob, "batch_id": batch.batch_id},
    )


def _write_quarantine(tx: Transaction, loop: Loop, staged: Staged, batch: Batch, judged: int) -> None:
    insert = (
        f"insert into {loop.table('quarantine')} (quarantine_id, batch_id, signal, rules, row_json, arrived_at, state)"
        " select left($batch_id, 16) || '-' || _row, $batch_id, $signal, rules, row_json, $as_of, 'open' from "
    )
    parameters = {"batch_id": batch.batch_id, "signal": batch.signal.value, "as_of": batch.as_of}
    if staged.failed:
        tx.execute(f"{insert} read_parquet($failed)", parameters | {"failed": staged.failed_glob})
    if judged:
        row = ", ".join(f"{quoted(c)} := cast({quoted(c)} as varchar)" for c in batch.delivered)
        tx.execute(
            f"""{insert} (select _row, [rule] as rules, cast(to_json(struct_pack({row})) as varchar) as row_json
            from {_STAGED} join (from judged where outcome = 'quarantined') using (_row))""",
            parameters | {"rows": staged.rows_glob},
        )
