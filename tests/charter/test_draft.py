"""A drafted charter parses as it is, guesses the obvious, and leaves the rest to its owner."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from loop_core.charter import Charter, parse_charter
from loop_core.errors import CharterError, SourceError, UnknownNameError
from loop_core.gates import ingest
from loop_core.signals import read_source
from loop_core.signals.draft import draft_charter
from loop_core.vocabulary import Signal
from loop_core.workspace import Workspace

NOW = datetime(2025, 2, 1, tzinfo=UTC)


def _frame(n: int = 1_200) -> pl.DataFrame:
    plans = ["basic", 'the "big" one', "plus\nmore", "größe"]
    return pl.DataFrame(
        {
            "order_id": [f"o{i}" for i in range(n)],
            "customer_id": [f"c{i % 300}" for i in range(n)],
            "created_at": [
                datetime(2025, 1, 1, tzinfo=UTC).replace(tzinfo=None) + timedelta(minutes=i) for i in range(n)
            ],
            "model_version": ["v1"] * n,
            "score": [(i % 100) / 100 for i in range(n)],
            "Order Value (€)": [i * 0.5 for i in range(n)],
            "balance": [None if i % 10 == 0 else i - 50 for i in range(n)],
            "plan": [plans[i % 4] for i in range(n)],
            "rating": [i % 5 + 1 for i in range(n)],
            "is_new": [i % 3 == 0 for i in range(n)],
            "note": [f"text {i} of many" for i in range(n)],
            "country": ["PT"] * n,
            "churned": [i % 7 == 0 for i in range(n)],
        }
    )


def _draft(path: Path) -> Charter:
    return parse_charter(draft_charter(path, name="shop"))


@pytest.fixture
def parquet(tmp_path: Path) -> Path:
    path = tmp_path / "log.parquet"
    _frame().write_parquet(path)
    return path


def test_parts_are_guessed(parquet: Path) -> None:
    charter = _draft(parquet)
    predictions, outcomes = charter.contract.predictions, charter.contract.outcomes
    assert predictions.columns == {
        "prediction_id": "order_id",
        "predicted_at": "created_at",
        "entity_id": "customer_id",
        "order_value": "Order Value (€)",
        "rating_value": "rating",
    }
    assert predictions.ignore == ("churned",)
    assert outcomes.columns == {"prediction_id": "order_id", "label": "churned"}
    assert charter.loop.timezone == "UTC", "times without a zone need one"


def test_types_ranges_and_categories(parquet: Path) -> None:
    charter = _draft(parquet)
    features = {f.name: f for f in charter.features}
    assert {name: f.type for name, f in features.items()} == {
        "order_value": "number",
        "balance": "number",
        "plan": "category",
        "rating_value": "number",
        "is_new": "flag",
    }
    assert (features["order_value"].min, features["order_value"].nullable) == (0, False)
    assert (features["balance"].min, features["balance"].nullable) == (None, True)
    assert set(features["plan"].values) == {"basic", 'the "big" one', "plus\nmore", "größe"}
    assert [c.name for c in charter.context] == ["note", "country"], "free text and a constant are no inputs"
    assert [c.name for c in charter.cohorts] == ["plan", "is_new"]


def test_the_draft_takes_in_the_file_it_was_drafted_from(workspace: Workspace, parquet: Path) -> None:
    loop = workspace.set_charter(draft_charter(parquet, name="shop"), actor="ana", reason="draft", as_of=NOW)
    report = ingest(loop, Signal.PREDICTIONS, read_source(str(parquet)), actor="ana", as_of=NOW)
    assert (report.received, report.accepted) == (1_200, 1_200)


def test_settings_are_filled_in_so_that_ingest_takes_the_file(workspace: Workspace, tmp_path: Path) -> None:
    """Day-first and American times, epoch seconds, decimal commas that could be thousands, words of another language."""
    path = tmp_path / "log.csv"
    rows = [
        f"{i};{i % 28 + 1:02d}/01/2025 10:00;01/{i % 28 + 1:02d}/2025;{1_735_700_000 + i};{i},{i % 9}00;{i % 3},5;{'ja' if i % 2 else 'nein'};0{i % 7};{'oui' if i % 3 else 'non'};{i}"
        for i in range(40)
    ]
    head = "id;created_at;shipped_date;seen_ts;price;weight;is_new;zip;churned;__index_level_0__"
    path.write_text("\n".join([head, *rows]))
    text = draft_charter(path, name="shop")
    charter = parse_charter(text)
    contract = charter.contract.predictions
    assert (contract.time_format, contract.decimal) == (
        {"predicted_at": "%d/%m/%Y %H:%M", "shipped_date": "%m/%d/%Y"}, ","
    )  # fmt: skip
    assert (contract.true_values, charter.contract.outcomes.true_values) == (("ja",), ("oui",))
    assert {c.name: c.type for c in charter.columns} == {
        "price": "number", "weight": "number", "is_new": "flag", "zip": "category", "shipped_date": "timestamp", "seen_ts": "timestamp"
    }  # fmt: skip
    loop = workspace.set_charter(text, actor="ana", reason="draft", as_of=NOW)
    report = ingest(loop, Signal.PREDICTIONS, read_source(str(path)), actor="ana", as_of=NOW)
    assert (report.accepted, report.notes) == (40, ())
    labels = path.with_name("labels.csv")
    labels.write_text("id;churned;observed_at\n1;oui;2025-01-30T00:00Z\n2;non;2025-01-30T00:00Z\n")
    assert ingest(loop, Signal.OUTCOMES, read_source(str(labels)), actor="ana", as_of=NOW).accepted == 2


@pytest.mark.parametrize("ending", ["csv", "csv.gz", "tsv", "jsonl"])
def test_every_format_gives_the_same_features(tmp_path: Path, parquet: Path, ending: str) -> None:
    frame = _frame().with_columns(pl.col("created_at").dt.strftime("%Y-%m-%d %H:%M:%S"))
    path = tmp_path / f"log.{ending}"
    text = (
        "\n".join(json.dumps(row) for row in frame.to_dicts())
        if ending == "jsonl"
        else frame.write_csv(separator="\t" if ending == "tsv" else ",")
    )
    path.write_bytes(gzip.compress(text.encode()) if ending.endswith("gz") else text.encode())
    drafted, wanted = _draft(path), _draft(parquet)
    assert {f.name: f.type for f in drafted.columns} == {f.name: f.type for f in wanted.columns}
    assert drafted.contract == wanted.contract


def test_what_is_not_recognised_is_left_to_the_owner(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("a b,A-B,1st\n1,2.5,x\n2,3.5,y\n3,4.5,x\n2,1.5,y\n")
    text = draft_charter(path, name="shop")
    assert [f.name for f in parse_charter(text).features] == ["a_b", "a_b_2", "c_1st"]
    assert text.count("no column was recognised") == 3


def test_times_with_a_zone_need_none(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("id,at,x\n1,2025-01-01T10:00:00Z,1\n2,2025-01-02T10:00:00Z,2\n3,2025-01-02T11:00:00Z,2\n")
    charter = _draft(path)
    assert charter.loop.timezone is None
    assert charter.contract.predictions.columns["predicted_at"] == "at"


@pytest.mark.parametrize(
    ("name", "content", "error"),
    [
        ("absent.csv", None, SourceError),
        ("empty.csv", b"", SourceError),
        ("header.csv", b"a,b\n", SourceError),
        ("latin.csv", "a,b\ngröße,1\n".encode("latin-1"), SourceError),
        ("no.parquet", b"PAR1nonsense", SourceError),
        ("ids.csv", b"id,name\n1,a\n2,b\n", SourceError),
        ("log.xlsx", b"PK", UnknownNameError),
    ],
)
def test_what_cannot_be_drafted_from_is_said(
    tmp_path: Path, name: str, content: bytes | None, error: type[Exception]
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(error, match=name.split(".")[0]):
        draft_charter(tmp_path / name, name="shop")


def test_a_bad_loop_name_is_refused(parquet: Path) -> None:
    with pytest.raises(CharterError, match=r"loop\.name"):
        draft_charter(parquet, name="My Loop!")


@pytest.mark.parametrize(
    "file", ["olist_15k/olist_orders_dataset.csv", "bike/hour.csv", "drift_streams/mixed_0101_abrupto.csv.gz"]
)
def test_real_files_draft(real_data: Path, file: str) -> None:
    if not (real_data / file).exists():
        pytest.skip(f"{file} is not in {real_data}")
    assert _draft(real_data / file).features
