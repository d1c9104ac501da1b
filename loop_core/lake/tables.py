"""The tables of one loop, made from its charter. Identifiers are quoted here and nowhere else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loop_core.vocabulary import Delivery, Signal

if TYPE_CHECKING:
    from loop_core.charter import Charter
    from loop_core.lake.connection import Lake, Transaction

#: Charter type → DuckDB type.
COLUMN_TYPES = {
    "number": "double",
    "category": "varchar",
    "flag": "boolean",
    "timestamp": "timestamptz",
    "text": "varchar",
}

_PREDICTIONS = {
    "prediction_id": "varchar",
    "entity_id": "varchar",
    "predicted_at": "timestamptz",
    "model_version": "varchar",
    "route": "varchar",
    "score": "double",
    "latency_ms": "double",
    "error": "varchar",
}
_OUTCOMES = {"prediction_id": "varchar", "label": "double", "observed_at": "timestamptz", "source": "varchar"}
_FEEDBACK = {
    "feedback_id": "varchar",
    "prediction_id": "varchar",
    "user_id": "varchar",
    "given_at": "timestamptz",
    "kind": "varchar",
    "rating": "double",
    "comment": "varchar",
}
#: Sums over the rows of each batch that passed the row rules, by column.
BATCH_STATS = {
    "batch_id": "varchar",
    "column": "varchar",
    "n": "bigint",
    "nulls": "bigint",
    "total": "double",
    "squares": "double",
}
#: Counts of predictions by day, column and cohort value; which bins they are of; and up to which snapshot.
PROFILES = {
    "binning": "varchar",
    "day": "date",
    "subject": "varchar",
    "cohort": "varchar",
    "cohort_value": "varchar",
    "n": "bigint",
    "nulls": "bigint",
    "counts": "integer[]",
    "finite": "bigint",
    "total": "double",
    "squares": "double",
}
BINNINGS = {
    "binning": "varchar",
    "kind": "varchar",
    "subject": "varchar",
    "edges": "double[]",
    "kept": "varchar[]",
    "rare": "varchar[]",
    "once": "varchar[]",
    "first_day": "date",
    "end_day": "date",
    "n": "bigint",
}
PROFILE_STATE = {
    "snapshot": "bigint",
    "binning": "varchar",
    "key": "varchar",
    "stored": "bigint",
    "added": "bigint",
}
#: Metrics of windows, a row for each cohort value and one for the window itself; see monitor/settled.
MEASURES = {
    "cohort": "varchar",
    "first_day": "date",
    "days": "integer",
    "valid_from": "timestamptz",
    "valid_until": "timestamptz",
    "seen": "bigint",
    "cohort_value": "varchar",
    "predictions": "bigint",
    "n": "bigint",
    "versions": "varchar[]",
    "due": "bigint[]",
    "value": "double[]",
    "se": "double[]",
    "freedom": "double[]",
}
MEASURE_STATE = {"snapshot": "bigint", "key": "varchar"}
#: Tables that are not signals. `scores`: what other versions said of the same predictions; of no batch is what a model that
#: served had answered before its successor's answer took the place, and what came in before scores had batches.
_OTHERS = {
    "scores": {
        "prediction_id": "varchar",
        "model_version": "varchar",
        "score": "double",
        "scored_at": "timestamptz",
        "batch_id": "varchar",
    },
    "batches": {
        "batch_id": "varchar",
        "signal": "varchar",
        "model_version": "varchar",
        "source_name": "varchar",
        "arrived_at": "timestamptz",
        "actor": "varchar",
        "received": "bigint",
        "accepted": "bigint",
        "quarantined": "bigint",
        "unchanged": "bigint",
        "conflicting": "bigint",
        "state": "varchar",
        "notes": "varchar",
        "retractions": "bigint",
        "reason": "varchar",
        "retracted_by": "varchar",
        "retracted_at": "timestamptz",
        "retracted_rows": "bigint",
    },
    "batch_stats": BATCH_STATS,
    "profiles": PROFILES,
    "binnings": BINNINGS,
    "profile_state": PROFILE_STATE,
    "measures": MEASURES,
    "measure_state": MEASURE_STATE,
    "quarantine": {
        "quarantine_id": "varchar",
        "batch_id": "varchar",
        "signal": "varchar",
        "rules": "varchar[]",
        "row_json": "varchar",
        "arrived_at": "timestamptz",
        "state": "varchar",
        "reason": "varchar",
        "decided_by": "varchar",
        "decided_at": "timestamptz",
    },
    "findings": {
        "as_of": "timestamptz",
        "code": "varchar",
        "stage": "varchar",
        "subject": "varchar",
        "state": "varchar",
        "sentence": "varchar",
        "value": "double",
        "ci_low": "double",
        "ci_high": "double",
        "threshold": "double",
        "n": "bigint",
        "window_start": "timestamptz",
        "window_end": "timestamptz",
        "model_version": "varchar",
        "cohort": "varchar",
        "cohort_value": "varchar",
        "source": "varchar",
        "impact": "double",
        "evidence": "varchar",
    },
}
#: The instant each signal happened, by which its table is partitioned and read as of a time.
EVENT_TIME = {Signal.PREDICTIONS: "predicted_at", Signal.OUTCOMES: "observed_at", Signal.FEEDBACK: "given_at"}
#: Tables of which a look reads few cohorts and few days: how their files are sorted, and how many rows go by together.
_SORTED = {"profiles": ("cohort asc nulls first, day asc, subject asc", 16_384)}
#: What identifies a row; an outcome is a statement made at an instant, so corrections are rows of their own.
KEYS: dict[Delivery | Signal, tuple[str, ...]] = {
    Delivery.PREDICTIONS: ("prediction_id",),
    Delivery.OUTCOMES: ("prediction_id", "observed_at", "source"),
    Delivery.FEEDBACK: ("feedback_id",),
    Delivery.SCORES: ("prediction_id", "model_version"),
}


def quoted(*names: str) -> str:
    """`a.b` as a quoted SQL identifier: quoted("orders", "predictions") → "orders"."predictions"."""
    return ".".join('"' + name.replace('"', '""') + '"' for name in names)


def signal_columns(charter: Charter, signal: Signal) -> dict[str, str]:
    """Column → DuckDB type of a signal as its source delivers it (without `batch_id`)."""
    if signal is Signal.PREDICTIONS:
        classes = dict.fromkeys(charter.score_columns, "double")
        return _PREDICTIONS | classes | {c.name: COLUMN_TYPES[c.type] for c in charter.columns}
    return dict(_OUTCOMES if signal is Signal.OUTCOMES else _FEEDBACK)


def create_loop_tables(lake: Lake, charter: Charter, *, actor: str) -> None:
    """Create what is missing of a loop's tables, and add columns its charter gained. Never drops a column."""
    lake.write(lambda tx: _create(tx, charter), actor=actor, message=f"tables of {charter.name}")
    for table, (_, rows) in _SORTED.items():
        # A call of its own: DuckLake sets no option of a table within the transaction that makes it.
        lake.configure(
            "call lake.set_option('parquet_row_group_size', $rows, schema => $schema, table_name => $table)",
            {"rows": rows, "schema": charter.name, "table": table},
        )


def _create(tx: Transaction, charter: Charter) -> None:
    tx.execute(f"create schema if not exists lake.{quoted(charter.name)}")
    signals = {signal.value: signal_columns(charter, signal) | {"batch_id": "varchar"} for signal in Signal}
    times = {signal.value: time for signal, time in EVENT_TIME.items()}
    scores = _OTHERS["scores"] | dict.fromkeys(charter.score_columns, "double")
    there = _existing(tx, charter.name)
    for table, columns in (signals | _OTHERS | {"scores": scores}).items():
        name = f"lake.{quoted(charter.name, table)}"
        if table in there:
            for column in (c for c in columns if c not in there[table]):
                tx.execute(f"alter table {name} add column {quoted(column)} {columns[column]}")
            continue
        tx.execute(f"create table {name} ({', '.join(f'{quoted(c)} {t}' for c, t in columns.items())})")
        if table in times:
            time = quoted(times[table])
            tx.execute(f"alter table {name} set partitioned by (year({time}), month({time}))")
        if table in _SORTED:
            tx.execute(f"alter table {name} set sorted by ({_SORTED[table][0]})")


def _existing(tx: Transaction, loop: str) -> dict[str, set[str]]:
    """Table → its columns."""
    sql = "select table_name, list(column_name) from duckdb_columns() where database_name = 'lake' and schema_name = $loop group by all"
    return {table: set(columns) for table, columns in tx.execute(sql, {"loop": loop})}
