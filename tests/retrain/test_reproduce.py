"""A model comes out again byte for byte, also where the workspace was copied; what cannot is said."""

from __future__ import annotations

import importlib
import importlib.metadata
import shutil
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from loop_core.charter import Charter
from loop_core.errors import IntegrityError, RefusedError, UnknownNameError
from loop_core.models import ModelStore, manifest_of
from loop_core.retrain import Budget, bootstrap, bootstrap_external, reproduce, retrain
from loop_core.retrain.space import searched
from loop_core.workspace import Loop, Workspace
from tests.retrain.synthetic import CHARTER, END, START, insert, parcels, rows

DAY = timedelta(days=1)
WEIGHED = CHARTER.replace(
    "[retrain]", "[retrain]\nhalf_life_days = 40\nbalanced = true\ncohort_weights = { state = { BA = 3 } }"
)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, str]:
    """A workspace with a first model and a challenger; rows that came after are in it, and the charter was changed."""
    path = tmp_path_factory.mktemp("made") / "w"
    with Workspace.create(path) as opened:
        loop = parcels(opened)
        first = bootstrap(loop, until=START + 120 * DAY, as_of=START + 120 * DAY, actor="ana", seed=3)
        version = retrain(loop, as_of=END, actor="ana", seed=3, budget=Budget(3, 600)).version
        opened.set_charter(CHARTER.replace("folds = 3", "folds = 2") + "\n", actor="ana", reason="later", as_of=END)
    return path, first, version


def test_every_model_comes_out_again(made: tuple[Path, str, str]) -> None:
    path, *versions = made
    with Workspace.open(path) as opened:
        for version in versions:
            found = reproduce(opened.loop("parcels"), version)
            assert (found.same, found.again, found.differing, found.libraries) == (True, version, (), ())
        assert sorted(ModelStore(opened).versions()) == sorted(versions), "nothing was saved"


def test_it_does_so_in_a_copy_elsewhere(made: tuple[Path, str, str], tmp_path: Path) -> None:
    path, _, version = made
    shutil.copytree(path, tmp_path / "elsewhere")
    with Workspace.open(tmp_path / "elsewhere") as opened:
        assert reproduce(opened.loop("parcels"), version).same


def test_a_changed_file_is_refused(made: tuple[Path, str, str], tmp_path: Path) -> None:
    path, _, version = made
    shutil.copytree(path, tmp_path / "w")
    with Workspace.open(tmp_path / "w") as opened:
        text = opened.models / version / "model.txt"
        text.write_text(text.read_text().replace("tree", "Tree", 1))
        with pytest.raises(IntegrityError, match="changed on disk"):
            reproduce(opened.loop("parcels"), version)


def test_other_rows_would_be_noticed(made: tuple[Path, str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparison is of bytes: a library that rounds differently shows as a differing file, with its version named."""
    module = importlib.import_module("loop_core.retrain.reproduce")
    path, _, version = made
    monkeypatch.setattr(module, "searched", lambda params: {**searched(params), "num_leaves": 7})
    monkeypatch.setattr(importlib.metadata, "version", lambda name: "0.1")
    with Workspace.open(path) as opened:
        found = reproduce(opened.loop("parcels"), version)
    assert not found.same
    assert "model.txt" in found.differing
    assert any(word.startswith("lightgbm ") and word.endswith("→ 0.1") for word in found.libraries)


def test_what_nobody_here_made_cannot_be_made_again(made: tuple[Path, str, str], tmp_path: Path) -> None:
    shutil.copytree(made[0], tmp_path / "w")
    with Workspace.open(tmp_path / "w") as opened:
        loop = opened.loop("parcels")
        bootstrap_external(loop, "vendor", actor="ana", as_of=END)
        with pytest.raises(RefusedError, match="external"):
            reproduce(loop, "vendor")
        with pytest.raises(UnknownNameError, match="vendor"):
            reproduce(loop, "nobody")


def test_weights_are_part_of_what_is_reproduced(workspace: Workspace) -> None:
    loop: Loop = parcels(workspace, charter=WEIGHED)
    version = retrain(loop, as_of=END, actor="ana", seed=3, budget=Budget(1, 600)).version
    insert(loop, rows(200).with_columns(prediction_id="more " + pl.col("prediction_id")))
    assert reproduce(loop, version).same
    assert manifest_of(loop, version).charter_hash == loop.charter.hash


def test_a_program_that_hashes_charters_otherwise_finds_the_old_one(
    made: tuple[Path, str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one does that knows a setting more: the hash on record counts, not the one it would give the old text."""
    path, _, version = made
    monkeypatch.setattr(Charter, "hash", property(lambda charter: "0" * 64))
    with Workspace.open(path) as opened:
        assert reproduce(opened.loop("parcels"), version).same


def test_a_charter_that_is_not_on_record_is_refused(
    made: tuple[Path, str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, _, version = made
    with Workspace.open(path) as opened:
        loop = opened.loop("parcels")
        monkeypatch.setattr(Loop, "entries", lambda *_: [])
        with pytest.raises(RefusedError, match="is not in the ledger"):
            reproduce(loop, version)
