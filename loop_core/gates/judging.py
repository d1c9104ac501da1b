"""Which staged rows are not simply new: repeated, in the lake already, in conflict with it, or about nothing known."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from loop_core.gates.batch import STAGED, Batch
from loop_core.gates.staged import Staged
from loop_core.lake import Transaction, quoted
from loop_core.lake.tables import KEYS
from loop_core.vocabulary import Signal

if TYPE_CHECKING:
    from loop_core.workspace import Loop

#: Filled when a prediction is served; compared only where the source had the score itself.
SERVED = frozenset({"score", "model_version", "route", "latency_ms", "error"})
#: Ids are compared in parts of about this many rows, so that a batch of any size fits in memory.
_PART_ROWS = 4_000_000


def judge_rows(tx: Transaction, loop: Loop, staged: Staged, batch: Batch) -> None:
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
    rows = pl.scan_parquet(staged.row_files, hive_partitioning=False, glob=False)
    return int(rows.select(pl.struct(KEYS[batch.signal]).hash().n_unique()).collect().item()) < staged.accepted


def _judge_repeated(tx: Transaction, staged: Staged, batch: Batch, part: str) -> None:
    """Ids twice in one batch: with one content, the later ones are unchanged; with several, none can be believed."""
    keys = ", ".join(KEYS[batch.signal])
    id_column = KEYS[batch.signal][0]
    content = ", ".join(f"{quoted(c)} := {quoted(c)}" for c in batch.delivered or KEYS[batch.signal])
    within = part.format(id=id_column)
    tx.execute(
        f"""insert into judged
        with repeated as (select {keys} from {STAGED} where {within} group by {keys} having count(*) > 1),
        rows as (select * from {STAGED} semi join repeated using ({keys})),
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
        f"insert into matched select s._row from {STAGED} s join {table} using ({keys})"
        f" where {within} and s._row not in (select _row from judged)",
        {"rows": staged.rows_glob},
    )
    if tx.execute("select count(*) from matched")[0][0] == 0:
        return
    other = "updated" if loop.charter.contract.of(batch.signal).on_conflict == "update" else "conflicting"
    tx.execute(
        f"""insert into judged select s._row, case when {_differs(batch, loop.charter.score_columns)} then '{other}' else 'unchanged' end, null
        from (select * from {STAGED} semi join matched using (_row)) s
        join {table} l on {" and ".join(f"s.{k} = l.{k}" for k in KEYS[batch.signal])}""",
        {"rows": staged.rows_glob},
    )


def _differs(batch: Batch, scores: Iterable[str]) -> str:
    tests = []
    for column in batch.delivered:
        if column not in KEYS[batch.signal]:
            test = f"s.{quoted(column)} is distinct from l.{quoted(column)}"
            served = batch.signal is Signal.PREDICTIONS and column in SERVED.union(scores)
            tests.append(f"(s.score is not null and {test})" if served else test)
    return " or ".join(tests) or "false"


def _judge_unknown(tx: Transaction, loop: Loop, staged: Staged, batch: Batch, part: str) -> None:
    """Outcomes and feedback about a prediction nobody made, and outcomes known before their prediction."""
    early = "s.observed_at < p.predicted_at" if batch.signal is Signal.OUTCOMES else "false"
    tx.execute(
        f"""insert into judged select s._row, 'quarantined',
          case when p.prediction_id is null then 'prediction_id.unknown' else 'observed_at.before_prediction' end
        from {STAGED} s left join {loop.table("predictions")} p using (prediction_id)
        where {part.format(id=f"s.{KEYS[batch.signal][0]}")} and s.prediction_id is not null
          and (p.prediction_id is null or {early}) and s._row not in (select _row from judged)""",
        {"rows": staged.rows_glob},
    )
