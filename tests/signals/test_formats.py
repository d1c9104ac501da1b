"""The same rows are the same rows in every format: sent as CSV, TSV, JSON lines, Parquet and SQL, the lakes are equal to the byte."""

from __future__ import annotations

import json
import sqlite3
import struct
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from loop_core.vocabulary import Signal
from loop_core.workspace import Loop, Workspace
from tests.conftest import CHARTER
from tests.signals.deliveries import deliver

FURTHER = """
[[features]]
name = "store"
type = "category"
[[features]]
name = "open"
type = "flag"
[[features]]
name = "made_at"
type = "timestamp"
[[context]]
name = "note"
type = "text"
"""
Rows = list[dict[str, Any]]
_TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=1, max_size=6)
_TIME = st.integers(670_000_000_000_000, 1_517_000_000_000_000).map(
    lambda us: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=us)
)
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "predicted_at": _TIME,
            "entity_id": st.one_of(st.none(), st.integers(-9, 2**52).map(float)),
            "price": st.one_of(
                st.none(), st.floats(allow_infinity=False, allow_nan=True), st.sampled_from([-0.0, -1.0, 2.0**53, 1e3])
            ),
            "weight": st.one_of(st.none(), st.floats(width=32, allow_infinity=False, allow_nan=True)),
            "state": st.sampled_from(["SP", "RJ", "BA", "XX", None]),
            "store": st.one_of(st.none(), st.sampled_from([1.0, 2.0, 1.5, -0.0, 1e3, float("nan")])),
            "open": st.sampled_from([True, False, None]),
            "made_at": st.one_of(st.none(), _TIME),
            "note": st.one_of(st.none(), _TEXT, st.sampled_from(["007", "1e3", "True", ' a "b", c\t', "NA"])),
        }
    ),
    min_size=3,
    max_size=12,
)
_SCHEMA = {
    "prediction_id": pl.Int64, "predicted_at": pl.Datetime("us", "UTC"), "entity_id": pl.Float64, "price": pl.Float64,
    "weight": pl.Float32, "state": pl.String, "store": pl.Float64, "open": pl.Boolean, "made_at": pl.Datetime("us", "UTC"),
    "note": pl.String,
}  # fmt: skip


def _csv(folder: Path, frame: pl.DataFrame, separator: str = ",", ending: str = "csv") -> tuple[str, None]:
    frame.write_csv(folder / f"r.{ending}", separator=separator, datetime_format="%Y-%m-%dT%H:%M:%S%.6fZ")
    return str(folder / f"r.{ending}"), None


def _jsonl(folder: Path, frame: pl.DataFrame) -> tuple[str, None]:
    lines = (json.dumps(row, default=lambda t: t.isoformat()) for row in _shortest(frame))
    (folder / "r.jsonl").write_text("\n".join(lines))
    return str(folder / "r.jsonl"), None


def _parquet(folder: Path, frame: pl.DataFrame, statistics: bool = True) -> tuple[str, None]:
    frame.write_parquet(folder / f"r{statistics}.parquet", statistics=statistics)
    return str(folder / f"r{statistics}.parquet"), None


def _sqlite(folder: Path, frame: pl.DataFrame) -> tuple[str, str]:
    rows = [[v.isoformat() if isinstance(v, datetime) else v for v in row.values()] for row in _shortest(frame)]
    with sqlite3.connect(folder / "r.db") as database:
        database.execute(f"create table r ({', '.join(frame.columns)})")
        database.executemany(f"insert into r values ({', '.join('?' * frame.width)})", rows)
    return f"sqlite:///{folder / 'r.db'}", "select * from r"


def _shortest(frame: pl.DataFrame) -> Rows:
    """Rows as Python values; a float32 as the decimal that denotes it."""
    return frame.with_columns(pl.col("weight").cast(pl.String).cast(pl.Float64)).to_dicts()


FORMATS: dict[str, Callable[[Path, pl.DataFrame], tuple[str, str | None]]] = {
    "csv": _csv,
    "tsv": lambda folder, frame: _csv(folder, frame, "\t", "tsv"),
    "jsonl": _jsonl,
    "parquet": _parquet,
    "parquet without statistics": lambda folder, frame: _parquet(folder, frame, False),
    "sqlite": _sqlite,
}


@pytest.fixture(scope="module")
def shops(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """One loop for each format, in one workspace."""
    with Workspace.create(tmp_path_factory.mktemp("formats") / "w") as made:
        for i, _ in enumerate(FORMATS):
            text = (CHARTER + FURTHER).replace('"orders"', f'"orders{i}"')
            made.set_charter(text, actor="ana", reason="", as_of=datetime(2018, 1, 1, tzinfo=UTC))
        yield made


def _bytes(value: Any) -> Any:
    return struct.pack(">d", value) if isinstance(value, float) else value


def _lake(loop: Loop) -> list[tuple[Any, ...]]:
    """Predictions and quarantine, to the bit."""
    rows = loop.lake.rows(f"select * exclude batch_id from {loop.table('predictions')} order by prediction_id")
    held = loop.lake.rows(f"select rules from {loop.table('quarantine')} order by all")
    return [tuple(map(_bytes, row)) for row in rows] + held


@settings(
    max_examples=3,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate],
)
@given(rows=ROWS)
def test_every_format_gives_the_same_lake(
    shops: Workspace, tmp_path_factory: pytest.TempPathFactory, rows: Rows
) -> None:
    folder = tmp_path_factory.mktemp("rows")
    begin = shops.loop("orders0").lake.rows("select count(*) from lake.orders0.batches")[0][0] * 100
    frame = pl.DataFrame([{"prediction_id": begin + i} | row for i, row in enumerate(rows)], schema=_SCHEMA)
    lakes = {}
    for i, (name, write) in enumerate(FORMATS.items()):
        path, sql = write(folder, frame)
        loop = shops.loop(f"orders{i}")
        report = deliver(loop, Signal.PREDICTIONS, path, sql=sql)
        lakes[name] = (report.accepted, report.quarantined, report.state, _lake(loop))
    for name, lake in lakes.items():
        assert lake == lakes["csv"], name
