"""Every kind of source gives the same rows; a source that cannot be used says why, in bounded memory."""

from __future__ import annotations

import gzip
import sqlite3
import subprocess
import sys
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlalchemy import create_engine, text

from loop_core.errors import SourceError, UnknownNameError
from loop_core.signals import read_source
from loop_core.signals.text import scan_text
from loop_core.vocabulary import Signal
from loop_core.workspace import Loop
from tests.signals.deliveries import HEADER, deliver, prediction, write_csv, write_jsonl

ROWS = [prediction(i) for i in range(5)]


def _typed() -> pl.DataFrame:
    return pl.DataFrame(ROWS).with_columns(pl.col("predicted_at").str.to_datetime(time_zone="UTC"))


def _files(folder: Path) -> dict[str, Path]:
    paths = {
        "csv": write_csv(folder / "a.csv", ROWS),
        "semicolon": write_csv(folder / "b.csv", ROWS, ";"),
        "tsv": write_csv(folder / "a.tsv", ROWS, "\t"),
        "jsonl": write_jsonl(folder / "a.jsonl", ROWS),
        "parquet": folder / "a.parquet",
        "csv.gz": folder / "a.csv.gz",
        "jsonl.gz": folder / "a.jsonl.gz",
        "bom": folder / "bom.csv",
    }
    _typed().write_parquet(paths["parquet"])
    paths["csv.gz"].write_bytes(gzip.compress(paths["csv"].read_bytes()))
    paths["jsonl.gz"].write_bytes(gzip.compress(paths["jsonl"].read_bytes()))
    paths["bom"].write_bytes(b"\xef\xbb\xbf" + paths["csv"].read_bytes())
    return paths


def test_every_format_delivers_the_same_rows(loop: Loop, tmp_path: Path) -> None:
    files = _files(tmp_path)
    first = deliver(loop, Signal.PREDICTIONS, files.pop("parquet"))
    assert first.accepted == 5
    for name, path in files.items():
        report = deliver(loop, Signal.PREDICTIONS, path)
        assert (name, report.received, report.unchanged) == (name, 5, 5)


def test_sqlite_query(loop: Loop, tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "shop.db") as database:
        database.execute("create table o (id text, at text, price real, state text)")
        rows = [("a", "2018-01-01T00:00:00Z", 1.5, "SP"), ("b", "2018-01-02T00:00:00Z", "dear", "RJ")]
        database.executemany("insert into o values (?, ?, ?, ?)", rows)
    url, sql = (
        f"sqlite:///{tmp_path / 'shop.db'}",
        "select id as prediction_id, at as predicted_at, price, state from o;",
    )
    report = deliver(loop, Signal.PREDICTIONS, url, sql=sql)
    assert (report.accepted, [rule.rule for rule in report.rules]) == (1, ["price.type"])
    assert deliver(loop, Signal.PREDICTIONS, url, sql=sql).state == "already_ingested"
    with pytest.raises(SourceError, match="no such column"):
        read_source(url, "select absent from o")


@pytest.mark.postgres
def test_postgres_query(loop: Loop, database: str) -> None:
    engine = create_engine(database.replace("postgresql://", "postgresql+pg8000://"))
    with engine.begin() as connection:
        connection.execute(text("create table o (id int, at timestamptz, price numeric(8, 2), state text)"))
        connection.execute(
            text(
                "insert into o select i, '2018-01-01Z'::timestamptz + i * interval '1 hour', i / 4.0, 'SP' from generate_series(1, 500) i"
            )
        )
    engine.dispose()
    report = deliver(
        loop, Signal.PREDICTIONS, database, sql="select id as prediction_id, at as predicted_at, price, state from o"
    )
    assert (report.received, report.accepted) == (500, 500)
    assert loop.lake.rows(f"select price from {loop.table('predictions')} where prediction_id = '3'") == [(0.75,)]
    assert "loop@" not in report.source
    assert (
        deliver(
            loop,
            Signal.PREDICTIONS,
            database,
            sql="select id as prediction_id, at as predicted_at, price, state from o",
        ).state
        == "already_ingested"
    )
    with pytest.raises(SourceError, match="cannot be read"):
        read_source(database, "select absent from o")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("empty.csv", b"", "empty.csv is empty"),
        ("header.csv", f"{HEADER}\n".encode(), "has a header and no rows"),
        (
            "latin.csv",
            f"{HEADER}\np1,2018-01-01T00:00:00Z,1,1,S\xe3o\n".encode("latin-1"),
            r"not UTF-8 \(about line 2\).*iconv",
        ),
        ("utf16.csv", f"{HEADER}\np1\n".encode("utf-16"), "is text in UTF-16.*iconv -f UTF-16"),
        ("bare16.csv", f"{HEADER}\np1\n".encode("utf-16-le"), "is text in UTF-16"),
        ("utf32.jsonl", b"{}".decode().encode("utf-32"), "is text in UTF-32"),
        ("packed.csv", gzip.compress(b"a\n1\n", mtime=0), "compressed with gzip.*name it .gz"),
        ("packed.csv.gz", b"a,b\n1,2\n", "not compressed with gzip.*take .gz off"),
        ("false.csv", b"PAR1" + bytes(9), "is a Parquet file.*ending .parquet"),
        ("sheet.csv", b"PK\x03\x04" + bytes(9), "zip archive or a spreadsheet"),
        ("late.csv", b"\na,b\n1,2\n", "first line of late.csv is empty"),
        ("quote.csv", b'a,"b\n",c\n1,2,3\n', "quote in the header line"),
        ("cases.csv", b"a,A\n1,2\n", "'a' and 'A', which differ in their case only"),
        ("cases.jsonl", b'{"a": 1}\n{"A": 2}\n', "differ in their case only"),
        ("nul.csv", b"a,b\0\n1,2\n", r"name with a NUL character, 'b\\x00'"),
        ("keyless.jsonl", b'{"": 1}\n', "Column 1 of keyless.jsonl has no name"),
        ("pretty.jsonl", b'{\n "a": 1\n}\n', "no JSON objects, one a line; line 1 is '{'"),
        ("twice.csv", b"a,b,a\n1,2,3\n", "has the column 'a' twice"),
        ("return.csv", b"a,b\r,c\n1,2,3\n", "takes stray carriage returns out"),
        ("nameless.csv", b"a,,c\n1,2,3\n", "Column 2 of nameless.csv has no name"),
        ("cut.csv.gz", gzip.compress(b"a,b\n" * 10_000, mtime=0)[:40], "damaged .gz"),
        ("false.parquet", b"a,b\n1,2\n", "is not a Parquet file"),
        ("list.jsonl", b"[1, 2]\n", "holds no JSON objects"),
    ],
)
def test_a_file_that_cannot_be_used_says_why(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(SourceError, match=message) as caught:
        read_source(str(tmp_path / name))
    assert caught.value.todo


def test_parquet_without_rows(tmp_path: Path) -> None:
    _typed().clear().write_parquet(tmp_path / "a.parquet")
    with pytest.raises(SourceError, match="columns and no rows"):
        read_source(str(tmp_path / "a.parquet"))


@pytest.mark.parametrize(
    ("spec", "sql", "message"),
    [
        ("nowhere.csv", None, "no file nowhere.csv"),
        (".", None, "is a folder"),
        ("sqlite:///nowhere.db", "select 1", "no SQLite file nowhere.db"),
        ("sqlite:///nowhere.db", None, "without a query"),
    ],
)
def test_a_spec_that_leads_nowhere(spec: str, sql: str | None, message: str) -> None:
    with pytest.raises(SourceError, match=message):
        read_source(spec, sql)


def test_unknown_formats_and_databases_list_the_known_ones(tmp_path: Path) -> None:
    (tmp_path / "a.xlsx").write_bytes(b"PK")
    with pytest.raises(UnknownNameError, match=r"\.csv.*\.parquet"):
        read_source(str(tmp_path / "a.xlsx"))
    with pytest.raises(UnknownNameError, match="postgresql, sqlite"):
        read_source("mysql://host/db", "select 1")


def test_wrong_delimiter_names_what_was_found(loop: Loop, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(
        "\n".join(line.replace(",", "~") for line in [HEADER, "p1,2018-01-01T00:00:00Z,1,1,SP"])
    )
    with pytest.raises(SourceError, match=r"it has 'prediction_id~predicted_at.*check the file and its delimiter"):
        deliver(loop, Signal.PREDICTIONS, tmp_path / "a.csv")


def test_json_that_is_none_costs_its_row_only(loop: Loop, tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "a.jsonl", ROWS)
    path.write_text(
        path.read_text()
        + "not json\n"
        + '{"prediction_id": "x", "predicted_at": "2018-01-01T00:00:00Z", "price": {"a": 1}}\n'
    )
    report = deliver(loop, Signal.PREDICTIONS, path)
    assert (report.received, report.accepted, report.quarantined) == (7, 5, 2)


def test_new_lines_and_quotes_inside_a_field(loop: Loop, tmp_path: Path) -> None:
    deliver(loop, Signal.PREDICTIONS, write_csv(tmp_path / "p.csv", ROWS))
    (tmp_path / "f.csv").write_text(
        'feedback_id,given_at,comment\nf1,2018-01-02T00:00:00Z,"veio ""quebrado"",\nnão gostei"\n'
    )
    assert deliver(loop, Signal.FEEDBACK, tmp_path / "f.csv").accepted == 1
    assert loop.lake.rows(f"select comment from {loop.table('feedback')}") == [('veio "quebrado",\nnão gostei',)]


def test_scan_counts_lines_and_finds_the_longest(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"a\n" * 3_000_000 + b"x" * 2_500_000 + b"\nend")
    facts = scan_text(path)
    assert facts.longest >= 2_500_000
    assert facts.longest_line == 3_000_001
    path.write_bytes(b"a\nb\nc")
    assert scan_text(path).lines == 3


@pytest.mark.parametrize("kind", ["csv", "quoted.csv", "jsonl"])
def test_a_huge_field_is_refused_in_bounded_memory(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"huge.{kind}"
    before, after = {
        "csv": (f"{HEADER}\np1,2018-01-01T00:00:00Z,1,1,", "\n"),
        "quoted.csv": (f'{HEADER}\np1,2018-01-01T00:00:00Z,1,1,"', '"\n'),
        "jsonl": ('{"prediction_id": "p1", "predicted_at": "2018-01-01T00:00:00Z", "state": "', '"}\n'),
    }[kind]
    block = b"xyz\n" * 250_000 if kind == "quoted.csv" else b"x" * 1_000_000
    with path.open("wb") as file:
        file.write(before.encode())
        for _ in range(200):
            file.write(block)
        file.write(after.encode())
    with pytest.raises(SourceError, match="more than 2 MB"):
        read_source(str(path))


def test_a_stray_quote_is_no_unclosed_field(loop: Loop, tmp_path: Path) -> None:
    odd = '5" pipe'
    lines = [f"f{i},2018-01-02T00:00:00Z,{odd if i == 3 else 'ok' * 20}" for i in range(60_000)]
    (tmp_path / "f.csv").write_text("feedback_id,given_at,comment\n" + "\n".join(lines) + "\n")
    assert (tmp_path / "f.csv").stat().st_size > 3_000_000
    assert deliver(loop, Signal.FEEDBACK, tmp_path / "f.csv").accepted == 60_000


def test_a_huge_field_in_parquet_is_refused(tmp_path: Path) -> None:
    import random

    noise = random.Random(0).randbytes(3_000_000).hex()
    _typed().head(1).with_columns(state=pl.lit(noise)).write_parquet(tmp_path / "a.parquet")
    with pytest.raises(SourceError, match="column state"):
        read_source(str(tmp_path / "a.parquet"))


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    """Reading 300 MB of text costs no more than a fixed amount (a process of its own, so the peak is its own)."""
    path = tmp_path / "a.csv"
    line = b"p1,2018-01-01T00:00:00Z,1,1,SP\n" * 30_000
    with path.open("wb") as file:
        file.write(f"{HEADER}\n".encode())
        for _ in range(300):
            file.write(line)
    code = (
        "import resource, sys; from pathlib import Path; from loop_core.signals.text import scan_text;"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss; scan_text(Path(sys.argv[1]));"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"
    )
    grown = int(
        subprocess.run([sys.executable, "-c", code, str(path)], check=True, capture_output=True, text=True).stdout
    )
    assert grown / 1024 < 60


def _no_utf8(*texts: bytes) -> pa.Array:
    """A column of texts that nobody looked at."""
    return pa.array(texts).cast(pa.binary()).view(pa.string())


@pytest.mark.parametrize(
    ("column", "values", "says"),
    [
        ("state", _no_utf8(b"SP", b"S\xc3", b"SP"), r"'state' of odd.parquet has a text that is no UTF-8, b'S\\xc3', in row 2"),
        ("state", _no_utf8(b"SP", b"RJ", b"\xff").dictionary_encode(), r"'state' of odd.parquet .*in row 3"),
        ("predicted_at", pa.array([0, 0, 2**62]).cast(pa.timestamp("ms", "UTC")), r"a time 4,611,686,018,427,387,904 milliseconds from 1970.*in row 3"),
        ("predicted_at", pa.array([0, -(2**62), 0]).cast(pa.timestamp("ms")), r"'predicted_at'.*in row 2"),
    ],
)  # fmt: skip
def test_the_cell_that_ends_the_reading_of_a_parquet_file_is_named(
    loop: Loop, tmp_path: Path, column: str, values: pa.Array, says: str
) -> None:
    table = _typed()[:3].to_arrow()
    folder = tmp_path / "day[1]"
    folder.mkdir()
    pq.write_table(table.set_column(table.schema.get_field_index(column), column, values), folder / "odd.parquet")
    with pytest.raises(SourceError, match=says):
        deliver(loop, Signal.PREDICTIONS, folder / "odd.parquet")
    assert loop.lake.rows(f"select count(*) from {loop.table('batches')}") == [(0,)]
