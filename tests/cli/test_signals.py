"""`loop ingest | batches | retract | name-scores | run` as a person types them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from polars.exceptions import PanicException

import loop_core.cli as cli
from loop_core.errors import NotReadyError, RefusedError
from loop_core.workspace import Loop, Workspace
from tests.cli.test_cli import run
from tests.conftest import CHARTER
from tests.signals.deliveries import AS_OF, prediction, write_csv


def test_a_batch_comes_in_and_goes(loop: Loop, tmp_path: Path) -> None:
    file, folder = write_csv(tmp_path / "a.csv", [prediction(i) for i in range(5)]), loop.workspace.path
    assert "5 accepted" in run("ingest", "orders", "predictions", str(file), workspace=folder)
    listed = run("batches", "orders", workspace=folder)
    identity = loop.lake.rows(f"select batch_id from {loop.table('batches')}")[0][0]
    assert identity[:12] in listed
    assert "5 predictions from a.csv are out" in run(
        "retract", "orders", identity[:8], "--reason", "test rows", workspace=folder
    )
    assert "test rows" in run("batches", "orders", "--json", workspace=folder)


def test_scores_of_another_model(loop: Loop, tmp_path: Path) -> None:
    folder = loop.workspace.path
    file = write_csv(tmp_path / "a.csv", [prediction(i, score=0.5) for i in range(5)])
    run("ingest", "orders", "predictions", str(file), workspace=folder)
    scores = str(write_csv(tmp_path / "s.csv", [{"prediction_id": f"p{i}", "score": 0.4} for i in range(5)]))
    with pytest.raises(RefusedError, match="--model-version"):
        run("ingest", "orders", "scores", scores, workspace=folder)
    with pytest.raises(NotReadyError, match="no score of 'next'"):
        run("register", "orders", "next", workspace=folder)
    said = run("ingest", "orders", "scores", scores, "--model-version", "next", workspace=folder)
    assert "5 scores of next" in said
    assert "next is registered" in run("register", "orders", "next", workspace=folder)
    named = run("name-scores", "orders", "first", "--reason", "by the vendor", workspace=folder)
    assert "5 scores are first's" in named
    (line,) = [
        one for one in json.loads(run("batches", "orders", "--json", workspace=folder)) if one["signal"] == "scores"
    ]
    assert (line["model_version"], line["accepted"]) == ("next", 5)
    out = run("retract", "orders", line["batch_id"][:8], "--reason", "not that model", workspace=folder)
    assert "5 scores of next from s.csv are out of the lake" in out


def test_the_list_says_why_a_batch_was_stopped(loop: Loop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "400")
    file = str(write_csv(tmp_path / "bad.csv", [prediction(i, price=-1) for i in range(40)]))
    with pytest.raises(AssertionError, match="was stopped"):
        run("ingest", "orders", "predictions", file, workspace=loop.workspace.path)
    assert "quarantine: 100.0% of the rows, at most 50.0% wanted" in run(
        "batches", "orders", workspace=loop.workspace.path
    )


def test_run_on_a_log_that_ended_long_ago_asks_first(workspace: Workspace, tmp_path: Path) -> None:
    text = CHARTER.replace('clock = "data"\n', "")
    workspace.set_charter(text, actor="ana", reason="", as_of=AS_OF)
    file = str(write_csv(tmp_path / "a.csv", [prediction(i) for i in range(40)]))
    run("ingest", "orders", "predictions", file, workspace=workspace.path)
    with pytest.raises(RefusedError, match="--as-of 2018-01-29"):
        run("run", "orders", workspace=workspace.path)
    assert workspace.loop("orders").entries("cycle.ran") == []
    assert "Retrain" in run("run", "orders", "--as-of", "2018-01-29", workspace=workspace.path)


def test_a_panic_of_a_library_ends_in_a_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def panic() -> None:
        raise PanicException("year is out of range")

    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(cli, "app", panic)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 70
    assert "Something unforeseen" in capsys.readouterr().err
