"""What a cell becomes: nothing is rounded to fit, nothing is guessed, and one value has one spelling in the lake."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from loop_core.charter import parse_charter
from loop_core.errors import CharterError, SourceError
from loop_core.gates.scores import log_scores
from loop_core.gates.typed import typed_query
from loop_core.lake.files import opened
from loop_core.signals import read_source
from loop_core.vocabulary import Signal
from loop_core.workspace import Loop, Workspace
from tests.conftest import CHARTER
from tests.signals.deliveries import HEADER, contents, deliver

FURTHER = '[[features]]\nname = "store"\ntype = "category"\n[[features]]\nname = "open"\ntype = "flag"\n'
CLASSES = CHARTER.replace('positive = "late"', 'task = "multiclass"\nclasses = ["1", "2", "3", "4", "5"]')


def _cell(
    path: Path, value: str, column: str, contract: str = "", charter: str = CHARTER, ending: str = "csv"
) -> object:
    """One cell of a file, as the gates read it; `type` where they cannot."""
    signal = Signal.OUTCOMES if column == "label" else Signal.PREDICTIONS
    file = path / f"a.{ending}"
    file.write_text(
        f"prediction_id\tpredicted_at\tobserved_at\t{column}\n1\t2018-01-01T00:00Z\t2018-01-01T00:00Z\t{value}\n"
    )
    said = f'[contract.{signal}]\nignore = ["*"]\n{contract}\n'
    source = read_source(str(file))
    query = typed_query(parse_charter(charter + FURTHER + said), signal, source.columns)
    with opened(source.relation) as reader:
        row = pl.DataFrame(pl.from_arrow(next(reader.batches(query.sql, 10, query.parameters)))).row(0, named=True)
    return "type" if f"{column}.type" in (row["_bad"] or ()) else row[column]


@pytest.mark.parametrize(
    ("column", "text", "read"),
    [
        ("price", "1,5", 1.5), ("price", "1.234,5", 1234.5), ("price", "1,234", "type"), ("price", "1_000", "type"),
        ("price", "NaN", None), ("price", "True", 1.0), ("store", "1.0", "1"), ("store", "007", "007"), ("store", "1e3", "1e3"),
        ("store", "1.10", "1.10"), ("store", "-0.0", "0"), ("store", "True", "true"), ("store", "nan", None),
        ("open", "Yes", True), ("open", "N", False), ("open", "1.0", True), ("open", "ja", "type"), ("entity_id", "17.0", "17"),
        ("predicted_at", "2018-01-01T10:00+01", datetime(2018, 1, 1, 9, tzinfo=UTC)),
        ("predicted_at", "1514764800", datetime(2018, 1, 1, tzinfo=UTC)),
        ("predicted_at", "1514764800000", datetime(2018, 1, 1, tzinfo=UTC)),
        ("predicted_at", "20180101", "type"), ("predicted_at", "01/02/2018", "type"), ("label", "true", 1.0), ("label", "no", 0.0),
    ],
)  # fmt: skip
def test_a_text_is_read_where_it_is_unambiguous(tmp_path: Path, column: str, text: str, read: object) -> None:
    if column == "predicted_at":
        file = tmp_path / "t.csv"
        file.write_text(f"prediction_id,predicted_at\n1,{text}\n")
        source = read_source(str(file))
        query = typed_query(parse_charter(CHARTER), Signal.PREDICTIONS, source.columns)
        with opened(source.relation) as reader:
            row = pl.DataFrame(pl.from_arrow(next(reader.batches(query.sql, 10, query.parameters)))).row(0, named=True)
        assert ("type" if row["_bad"] else row["predicted_at"]) == read
    else:
        assert _cell(tmp_path, text, column, ending="tsv") == read


@pytest.mark.parametrize(
    ("column", "text", "contract", "read"),
    [
        ("price", "1,234", 'decimal = ","', 1.234), ("price", "1.234", 'decimal = ","', "type"), ("price", "12.5", 'decimal = ","', 12.5),
        ("price", "1,5", 'decimal = "."', "type"), ("open", "JA", 'true_values = ["ja"]', True),
    ],
)  # fmt: skip
def test_what_is_ambiguous_is_read_as_the_contract_says(
    tmp_path: Path, column: str, text: str, contract: str, read: object
) -> None:
    assert _cell(tmp_path, text, column, contract, ending="tsv") == read


def test_day_first_times_are_read_by_their_dots_or_by_the_contract(tmp_path: Path) -> None:
    zoned = CHARTER.replace('clock = "data"', 'clock = "data"\ntimezone = "Europe/Berlin"')
    at = datetime(2018, 2, 1, 9, 5, tzinfo=UTC)
    for text, said in (
        ("01.02.2018 10:05", ""),
        ("01/02/2018 10:05", '[contract.predictions]\ntime_format = "%d/%m/%Y %H:%M"'),
    ):
        file = tmp_path / "t.csv"
        file.write_text(f"prediction_id,predicted_at\n1,{text}\n")
        source = read_source(str(file))
        query = typed_query(parse_charter(zoned + said), Signal.PREDICTIONS, source.columns)
        with opened(source.relation) as reader:
            row = pl.DataFrame(pl.from_arrow(next(reader.batches(query.sql, 10, query.parameters)))).row(0, named=True)
        assert (row["_bad"], row["predicted_at"]) == (None, at)


def test_a_label_between_two_classes_is_refused(tmp_path: Path) -> None:
    assert [_cell(tmp_path, text, "label", charter=CLASSES, ending="tsv") for text in ("3.5", "0.6", "4.0", "4")] == [
        "type", "type", 3.0, 3.0
    ]  # fmt: skip


def test_settings_that_contradict_each_other_are_refused() -> None:
    for said in ('true_values = ["x"]\nfalse_values = ["X"]', 'time_format = "yesterday"'):
        with pytest.raises(CharterError, match=r"charter:\d+"):
            parse_charter(f"{CHARTER}\n[contract.predictions]\n{said}")
    assert parse_charter(f"{CHARTER}\n[contract.predictions]\n").hash == parse_charter(CHARTER).hash


def test_a_float32_is_the_decimal_that_denotes_it(loop: Loop, tmp_path: Path) -> None:
    at = datetime(2018, 1, 1, tzinfo=UTC)
    frame = pl.DataFrame({"prediction_id": ["a"], "predicted_at": [at], "price": [0.3], "state": [""]})
    frame.with_columns(pl.col("price").cast(pl.Float32)).write_parquet(tmp_path / "a.parquet")
    (tmp_path / "a.csv").write_text("prediction_id,predicted_at,price,state\na,2018-01-01T00:00Z,0.3,\n")
    assert deliver(loop, Signal.PREDICTIONS, tmp_path / "a.parquet").accepted == 1
    assert deliver(loop, Signal.PREDICTIONS, tmp_path / "a.csv").unchanged == 1


def test_ids_of_scores_are_those_of_predictions(loop: Loop) -> None:
    at = datetime(2018, 3, 1, tzinfo=UTC)
    log_scores(loop, "v", pl.DataFrame({"prediction_id": [17.0, 2.0], "score": [0.1, 0.2]}), actor="ana", as_of=at)
    assert (
        log_scores(loop, "v", pl.DataFrame({"prediction_id": [17], "score": [0.1]}), actor="ana", as_of=at).accepted
        == 0
    )
    assert {row[0] for row in contents(loop, "scores")} == {"17", "2"}


@pytest.mark.parametrize("ends", [("\r\n", "\r\n", "\n"), ("\r", "\r", "\r"), ("\n", "\r", "\r\n")])
def test_lines_may_end_in_several_ways(loop: Loop, tmp_path: Path, ends: tuple[str, str, str]) -> None:
    rows = [f'p{i},2018-01-01T00:00:00Z,{i},1,"SP"' for i in range(3)]
    text = HEADER + "".join(end + row for end, row in zip(ends, rows, strict=True)) + ends[0]
    (tmp_path / "a.csv").write_bytes(text.encode())
    assert deliver(loop, Signal.PREDICTIONS, tmp_path / "a.csv").accepted == 3


def test_a_refusal_names_the_cell_its_row_and_the_setting(loop: Loop, tmp_path: Path) -> None:
    rows = ["a,2018-01-01T00:00:00Z,1", "b,2018-01-01T00:00:00Z,2", 'c,01/02/2018,"1,234"']
    (tmp_path / "a.csv").write_text("\n".join(["prediction_id,predicted_at,price", *rows]))
    notes = deliver(loop, Signal.PREDICTIONS, tmp_path / "a.csv").notes
    after = len(CHARTER.splitlines()) + 1
    place = f"under it {{}} at the end of loops/orders.toml, from line {after} on"
    assert [n for n in notes if "row 3: '1,234'" in n and place.format('decimal = ","') in n]
    assert [n for n in notes if "row 3: '01/02/2018'" in n and place.format('time_format = "%d/%m/%Y"') in n]
    # No setting makes a number of this one.
    (tmp_path / "b.csv").write_text(
        "prediction_id,predicted_at,price\nd,2018-01-01T00:00:00Z,3\ne,2018-01-01T00:00:00Z,'47,x'\n".replace("'", '"')
    )
    assert deliver(loop, Signal.PREDICTIONS, tmp_path / "b.csv").notes[-1] == "price cannot be read in row 2: '47,x'"
    (tmp_path / "a.csv").write_text("prediction_id,predicted_at\na,2018-01-01T00:00:00Z\nb,2018-01-02 10:00\n")
    with pytest.raises(
        SourceError, match=r"'2018-01-02 10:00' in row 2 carries no zone.*timezone = .* below line 2 of loops"
    ):
        deliver(loop, Signal.PREDICTIONS, tmp_path / "a.csv")


def test_yes_and_1_are_one_category_whatever_spells_them(workspace: Workspace, tmp_path: Path) -> None:
    """A lake goes on as it began; a first file that has both takes digits; a lake that has both keeps both."""
    at = datetime(2018, 1, 1, tzinfo=UTC)
    text = CHARTER + FURTHER + '[[features]]\nname = "shop"\ntype = "category"\n'
    loop = workspace.set_charter(text, actor="ana", reason="", as_of=at)

    def send(first: int, **columns: list[object]) -> None:
        ids = [f"p{first + i}" for i in range(len(next(iter(columns.values()))))]
        frame = pl.DataFrame({"prediction_id": ids, "predicted_at": [at] * len(ids), **columns})
        path = tmp_path / f"{first}.{'csv' if frame['store'].dtype == pl.String else 'parquet'}"
        frame.write_csv(path) if path.suffix == ".csv" else frame.write_parquet(path)
        assert deliver(loop, Signal.PREDICTIONS, path).accepted == len(ids)

    send(1, store=[True, False], shop=[1.0, 2.0], entity_id=[17.0, 1.0])
    send(3, store=["1", "0.0"], shop=["True", "2"], entity_id=["True", "17"])
    found = loop.lake.rows(f"select store, shop, entity_id from {loop.table('predictions')} order by prediction_id")
    assert found == [("true", "1", "17"), ("false", "2", "1"), ("true", "1", "1"), ("false", "2", "17")]
    other = workspace.set_charter(text.replace('"orders"', '"second"'), actor="ana", reason="", as_of=at)
    (tmp_path / "b.csv").write_text(
        "prediction_id,predicted_at,store\na,2018-01-01T00:00Z,TRUE\nb,2018-01-01T00:00Z,1\n"
    )
    deliver(other, Signal.PREDICTIONS, tmp_path / "b.csv")
    assert other.lake.rows(f"select distinct store from {other.table('predictions')}") == [("1",)]
