"""Small deliveries for tests of signals and gates."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from loop_core.gates import BatchReport, ingest
from loop_core.signals import read_source
from loop_core.vocabulary import Signal
from loop_core.workspace import Loop

AS_OF = datetime(2018, 3, 1, tzinfo=UTC)
HEADER = "prediction_id,predicted_at,price,weight,state"


def prediction(i: int, **changes: Any) -> dict[str, Any]:
    """A prediction that passes every gate of the `orders` charter."""
    row = {
        "prediction_id": f"p{i}",
        "predicted_at": f"2018-01-{i % 28 + 1:02d}T00:00:00Z",
        "price": 1.5 * i,
        "weight": i,
        "state": "SP",
    }
    return row | changes


def outcome(i: int, **changes: Any) -> dict[str, Any]:
    """An outcome of `prediction(i)`."""
    return {"prediction_id": f"p{i}", "label": i % 2, "observed_at": "2018-02-10T00:00:00Z"} | changes


def write_csv(path: Path, rows: Sequence[dict[str, Any]], delimiter: str = ",") -> Path:
    names = list(dict.fromkeys(name for row in rows for name in row))
    lines = [delimiter.join("" if row.get(name) is None else str(row[name]) for name in names) for row in rows]
    path.write_text("\n".join([delimiter.join(names), *lines]) + "\n", encoding="utf-8")
    return path


def write_jsonl(path: Path, rows: Sequence[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def deliver(
    loop: Loop, signal: Signal, path: Path | str, *, as_of: datetime = AS_OF, sql: str | None = None
) -> BatchReport:
    report = ingest(loop, signal, read_source(str(path), sql), actor="ana", as_of=as_of)
    assert report.accepted + report.quarantined + report.refused == report.received
    return report


def contents(loop: Loop, table: str) -> list[tuple[Any, ...]]:
    """Every row of a table in a fixed order."""
    return sorted(loop.lake.rows(f"select * from {loop.table(table)}"), key=repr)
