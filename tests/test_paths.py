"""Folders and files whose names mean something to a database, a shell or an address are folders and files."""

from __future__ import annotations

import gzip
import sqlite3
from pathlib import Path

import polars as pl
import pytest

from loop_core.errors import SourceError
from loop_core.gates import ingest
from loop_core.paths import plain
from loop_core.signals import read_source
from loop_core.vocabulary import Signal
from loop_core.workspace import Loop, Workspace
from tests.cli.test_cli import run
from tests.conftest import CHARTER, START
from tests.retrain.synthetic import END, parcels

#: Everything at once: pattern, partition, address, quotes, comment, end of a statement, line end, escape.
ODD = "-a[1]*?{x}%20\\b'\"#;é\n~ k=v"
NAMES = ("q?x [1]%20", "k=v {SCHEMA}", "back\\slash\nof '\"#;")
HEADER = "prediction_id,predicted_at,price,state\n"


def _line(name: str) -> str:
    return f"{name},2018-01-01T00:00:00Z,1.5,SP\n"


@pytest.mark.parametrize("name", NAMES)
def test_a_workspace_works_under_any_name(name: str, tmp_path: Path) -> None:
    folder, file = tmp_path / name / "w", tmp_path / "rows.csv"
    with Workspace.create(folder) as made:
        made.set_charter(CHARTER, actor="ana", reason="first", as_of=START)
    # Two months: files that the lake adopts, not rows of the catalogue.
    rows = "".join(f"p{i},2018-0{1 + i % 2}-01T00:00:00Z,{i},SP\n" for i in range(1200))
    file.write_text(HEADER + rows)
    with Workspace.open(folder) as opened:
        report = ingest(opened.loop("orders"), Signal.PREDICTIONS, read_source(str(file)), actor="ana", as_of=END)
        assert report.accepted == 1200
    with Workspace.open(folder) as opened:
        assert opened.lake.rows("select count(*), sum(price) from lake.orders.predictions") == [(1200, 719400.0)]
    assert "whole" in run("doctor", workspace=folder)
    assert not [p for p in tmp_path.iterdir() if p.name not in (name, "rows.csv")], "nothing lies beside it"


def test_every_verb_works_under_an_odd_name(tmp_path: Path) -> None:
    folder = tmp_path / ODD / "w"
    run("init", "--", str(folder))
    with Workspace.open(folder) as opened:
        parcels(opened)
    end = f"{END:%Y-%m-%d}"
    run("retrain", "parcels", "--trials", "1", "--as-of", end, workspace=folder)
    for verb in ("drift", "performance", "health", "models"):
        run(verb, "parcels", "--as-of", end, workspace=folder)
    run("maintain", "--keep-days", "0", workspace=folder)
    run("sql", "parcels", "select count(*) from predictions", workspace=folder)
    assert "damaged" not in run("doctor", workspace=folder)


def _write(path: Path, rows: pl.DataFrame, ending: str) -> Path:
    path = path.with_name(f"{path.name}.{ending}")
    path.parent.mkdir(parents=True, exist_ok=True)
    if ending == "parquet":
        rows.write_parquet(path)
    elif ending == "jsonl":
        path.write_text(rows.write_ndjson())
    elif ending == "csv.gz":
        path.write_bytes(gzip.compress(rows.write_csv().encode()))
    else:
        path.write_text(rows.write_csv(separator="\t" if ending == "tsv" else ","))
    return path


def _rows(name: str) -> pl.DataFrame:
    return pl.DataFrame(
        {"prediction_id": [name], "predicted_at": ["2018-01-01T00:00:00Z"], "price": [1.5], "state": ["SP"]}
    )


@pytest.mark.parametrize("ending", ["csv", "csv.gz", "tsv", "jsonl", "parquet"])
def test_exactly_the_named_file_is_read(ending: str, loop: Loop, tmp_path: Path) -> None:
    odd = ["day[1]", "day?", "in\\b/*", "year=2018/a[1]b"]
    for sibling in ("day1", "dayx", "in/b/f", "year=2018/a1b"):
        _write(tmp_path / sibling, _rows(f"wrong {sibling}"), ending)
    for name in odd:
        path = _write(tmp_path / name, _rows(f"right {name}"), ending)
        report = ingest(loop, Signal.PREDICTIONS, read_source(str(path)), actor="ana", as_of=END)
        assert (name, report.received, report.accepted) == (name, 1, 1)
    found = loop.lake.rows("select prediction_id from lake.orders.predictions")
    assert {row[0] for row in found} == {f"right {name}" for name in odd}


def test_a_relative_name_is_a_file_of_this_folder(loop: Loop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("~.csv", "-x.csv", "~root.csv"):
        Path(name).write_text(HEADER + _line(name))
        assert ingest(loop, Signal.PREDICTIONS, read_source(name), actor="ana", as_of=END).accepted == 1


def test_a_sqlite_file_of_any_name_is_read(loop: Loop, tmp_path: Path) -> None:
    for name in ("a?mode=ro.db", "per%20cent.db", "q'u#o.db", "back\\slash[1].db"):
        with sqlite3.connect(tmp_path / name) as database:
            database.execute("create table t (prediction_id, predicted_at, price)")
            database.execute("insert into t values (?, '2018-01-01T00:00:00Z', 1)", (name,))
        source = read_source(f"sqlite:///{tmp_path / name}", "select * from t")
        assert source.name.endswith(name)
        assert ingest(loop, Signal.PREDICTIONS, source, actor="ana", as_of=END).accepted == 1


def test_a_file_that_changes_while_it_is_read_is_refused(loop: Loop, tmp_path: Path) -> None:
    file = tmp_path / "p.csv"
    file.write_text(HEADER + _line("a"))
    source = read_source(str(file))
    file.write_text(HEADER + _line("a") + _line("b"))
    with pytest.raises(SourceError, match="changed while it was read"):
        ingest(loop, Signal.PREDICTIONS, source, actor="ana", as_of=END)
    assert loop.lake.rows("select count(*) from lake.orders.predictions") == [(0,)]


def test_only_what_means_something_goes_by_a_link(tmp_path: Path) -> None:
    assert plain(tmp_path / "a b" / "ü.csv") == tmp_path / "a b" / "ü.csv"
    odd = tmp_path / "a[1]" / "b.csv"
    odd.parent.mkdir()
    odd.write_text("x")
    assert plain(odd).resolve() == odd
    assert not set("*?[\\=") & set(str(plain(odd)))
