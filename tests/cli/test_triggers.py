"""`loop triggers show | replay`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from loop_core.cli import app
from loop_core.errors import CharterError, RefusedError, SourceError
from loop_core.workspace import Workspace
from tests.conftest import START
from tests.policies.conftest import WORLD, fill

RUN = CliRunner()
TRIGGER = '[[triggers]]\nkind = "any"\nof = [{ kind = "label_volume", min_labels = 100000 }, { kind = "never" }]\n'


@pytest.fixture
def folder(workspace: Workspace) -> Path:
    fill(workspace.set_charter(WORLD + TRIGGER, actor="ana", reason="first", as_of=START))
    return workspace.path


def said(*words: object) -> str:
    result = RUN.invoke(app, ["triggers", *map(str, words)])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.stdout


def test_show_says_how_far_each_trigger_is(folder):
    lines = said("show", "orders", "-w", folder, "--as-of", "2018-09-01").splitlines()
    assert any(line.startswith("● quiet") and "label_volume" in line and "100,000 are needed" in line for line in lines)
    decision = json.loads(said("show", "orders", "-w", folder, "--as-of", "2018-09-01", "--json"))
    (reading,) = decision["evaluated"]
    assert not decision["retrain"]
    assert 0 < reading["distance"] < 0.1
    assert [part["kind"] for part in reading["parts"]] == ["label_volume", "never"]


def test_replay_tells_policies_apart_and_keeps_the_result(folder, tmp_path):
    policy = tmp_path / "volume.toml"
    policy.write_text('[[triggers]]\nkind = "label_volume"\nmin_labels = 400\n')
    span = ("--from", "2018-03-12", "--to", "2018-05-07", "--every", "14d", "--trees", "10", "--as-of", "2018-08-01")
    told = said("replay", "orders", "-w", folder, *span, "--policy", policy)
    assert "volume" in told
    assert "every 26 weeks" in told
    kept = json.loads(said("replay", "orders", "-w", folder, *span, "--policy", policy, "--json"))
    assert f"Kept as {kept['id']}." in told
    assert [run["name"] for run in kept["runs"]][:2] == ["in force", "volume"]
    assert len(kept["runs"][1]["retrains"]) > 0 == len(kept["runs"][0]["retrains"])


def test_what_cannot_be_done_is_said_before_anything_is_computed(folder, tmp_path):
    bad = tmp_path / "bad.toml"
    bad.write_text('[[triggers]]\nkind = "schedule"\ncron = "0 0 30 2 *"\n')
    with pytest.raises(CharterError, match="never fires"):
        said("replay", "orders", "-w", folder, "--policy", bad)
    with pytest.raises(SourceError, match="cannot be read"):
        said("replay", "orders", "-w", folder, "--policy", tmp_path / "nowhere.toml")
    with pytest.raises(RefusedError, match="correct the dates"):
        said("replay", "orders", "-w", folder, "--from", "2018-05-01", "--to", "2018-04-01")
