"""`loop monitor …` as typed: drift by any measure, calibration, the classifier, one cell on its rows."""

from __future__ import annotations

import json
from datetime import timedelta

import polars as pl
import pytest

from tests.cli.test_cli import run
from tests.conftest import START
from tests.monitor.world import DAYS, fill, predictions

END = (START + timedelta(days=DAYS)).isoformat()


@pytest.fixture
def folder(loop):
    return fill(loop, predictions()).workspace.path


def monitor(folder, *arguments: str) -> str:
    return run("monitor", *arguments, "--as-of", END, workspace=folder)


def test_every_command_answers_in_words_and_in_json(folder):
    assert "within the budget of 1" in monitor(folder, "calibrate", "orders")
    assert json.loads(monitor(folder, "calibrate", "orders", "--json"))["budget"] == 1
    assert "0.5 is chance" in monitor(folder, "domain", "orders")
    assert "wasserstein" in monitor(folder, "rows", "orders", "price")
    found = json.loads(monitor(folder, "drift", "orders", "--method", "missing", "--weeks", "1", "--json"))
    assert {(score["feature"], score["method"]) for score in found} >= {("price", "missing"), ("score", "missing")}


def test_two_files_are_compared_without_a_loop(tmp_path):
    for name, at in (("a.parquet", 0.0), ("b.parquet", 1.0)):
        pl.DataFrame({"price": [k / 100 + at for k in range(500)]}).write_parquet(tmp_path / name)
    files = [str(tmp_path / name) for name in ("a.parquet", "b.parquet")]
    found = json.loads(run("monitor", "compare", *files, "--method", "kolmogorov_smirnov", "--json"))
    assert [score["value"] > 0.15 for score in found] == [True]
