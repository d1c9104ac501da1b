"""The same rows are the same rows in every format: sent as CSV, JSON lines, Parquet and SQL, they are equal to the bit."""

from __future__ import annotations

import json
import shutil
import sqlite3
import struct
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from loop_core.gates.staging import stage
from loop_core.gates.typed import typed_query
from loop_core.signals import read_source
from loop_core.vocabulary import Signal
from loop_core.workspace import Loop, Workspace
from tests.conftest import CHARTER
from tests.signals.deliveries import AS_OF, deliver

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
    min_size=6,
    max_size=24,
)
_SCHEMA = {
    "prediction_id": pl.Int64, "predicted_at": pl.Datetime("us", "UTC"), "entity_id": pl.Float64, "price": pl.Float64,
    "weight": pl.Float32, "state": pl.String, "store": pl.Float64, "open": pl.Boolean, "made_at": pl.Datetime("us", "UTC"),
    "note": pl.String,
}  # fmt: skip


def _csv(folder: Path, frame: pl.DataFrame) -> tuple[str, None]:
    frame.write_csv(folder / "r.csv", datetime_format="%Y-%m-%dT%H:%M:%S%.6fZ")
    return str(folder / "r.csv"), None


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
    "jsonl": _jsonl,
    "parquet": _parquet,
    "parquet without statistics": lambda folder, frame: _parquet(folder, frame, False),
    "sqlite": _sqlite,
}


@pytest.fixture(scope="module")
def shop(templates: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loop]:
    """A loop with a column of every type."""
    folder = tmp_path_factory.mktemp("formats") / "w"
    shutil.copytree(templates / "empty", folder)
    with Workspace.open(folder) as workspace:
        yield workspace.set_charter(CHARTER + FURTHER, actor="ana", reason="", as_of=datetime(2018, 1, 1, tzinfo=UTC))


def _bits(value: Any) -> Any:
    return struct.pack(">d", value) if isinstance(value, float) else value


def _staged(loop: Loop, folder: Path, path: str, sql: str | None) -> list[Any]:
    """What the gates make of a delivery, to the bit: the rows for the lake, and the rules that the others broke."""
    source = read_source(path, sql)
    query = typed_query(loop.charter, Signal.PREDICTIONS, source.columns)
    stage(loop, Signal.PREDICTIONS, source, query, folder, AS_OF, None)
    rows = [tuple(map(_bits, row)) for file in (folder / "rows").rglob("*") for row in pl.read_parquet(file).rows()]
    return rows + pl.read_parquet(folder / "failed" / "*.parquet").select("_row", "rules").rows()


@settings(max_examples=8, suppress_health_check=list(HealthCheck), phases=[Phase.generate])
@given(rows=ROWS)
def test_every_format_gives_the_same_rows(shop: Loop, tmp_path_factory: pytest.TempPathFactory, rows: Rows) -> None:
    folder = tmp_path_factory.mktemp("rows")
    frame = pl.DataFrame([{"prediction_id": i} | row for i, row in enumerate(rows)], schema=_SCHEMA)
    found = {name: _staged(shop, folder / name, *write(folder, frame)) for name, write in FORMATS.items()}
    assert len(found["csv"]) == frame.height
    for name, staged in found.items():
        assert staged == found["csv"], name


def test_the_lake_holds_them_to_the_bit(shop: Loop, tmp_path: Path) -> None:
    at = datetime(2018, 1, 1, tzinfo=UTC)
    row = {"predicted_at": at, "price": 2.0**53, "weight": 0.3, "state": "SP", "store": -0.0, "open": True, "made_at": at, "note": "007"}  # fmt: skip
    lakes = []
    for k, name in enumerate(("csv", "parquet", "sqlite")):
        frame = pl.DataFrame([row | {"prediction_id": 10 * k}, row | {"prediction_id": 10 * k + 1, "store": 1.0, "price": None, "note": "True"}], schema=_SCHEMA)  # fmt: skip
        path, sql = FORMATS[name](tmp_path, frame)
        report = deliver(shop, Signal.PREDICTIONS, path, sql=sql)
        assert report.accepted == 2, name
        stored = shop.lake.rows(
            f"select * exclude (prediction_id, batch_id) from {shop.table('predictions')} where batch_id = $batch order by prediction_id",
            {"batch": report.batch_id},
        )
        lakes.append([tuple(map(_bits, found)) for found in stored])
    assert lakes[0] == lakes[1] == lakes[2]
