"""Packages: all or nothing on disk, the same content the same version, a changed byte refused."""

from __future__ import annotations

import errno
import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from loop_core.errors import IntegrityError, StorageError, UnknownNameError
from loop_core.models import Calibration, Manifest, ModelStore
from loop_core.models.store import FILES, WRITING
from loop_core.workspace import Workspace

MANIFEST = Manifest(
    loop="parcels",
    as_of=datetime(2024, 5, 1, tzinfo=UTC),
    features=("weight", "area"),
    types={"weight": "number", "area": "category"},
    categories={"area": ("north", "süd")},
    params={"num_leaves": 7},
    train_start=datetime(2024, 1, 1, tzinfo=UTC),
    train_end=datetime(2024, 4, 1, tzinfo=UTC),
    metrics={"auc": 0.7, "brier": None},
    notes=("small",),
)


@pytest.fixture
def store(tmp_path: Path) -> ModelStore:
    """A store on an empty folder; a whole workspace is not needed."""
    folder = tmp_path / "models"
    folder.mkdir()
    nothing = SimpleNamespace(entries=lambda **_: [])
    return ModelStore(cast(Workspace, SimpleNamespace(models=folder, ledger=nothing)))


def test_a_package_comes_back_as_it_was_saved(store: ModelStore) -> None:
    calibration = Calibration("isotonic", x=(0.1, 0.9), y=(0.2, 0.8))
    model = store.load(store.save("tree\n", calibration, MANIFEST))
    assert (model.booster_text, model.calibration, model.manifest) == ("tree\n", calibration, MANIFEST)


def test_the_columns_keep_their_order_though_json_objects_have_none(store: ModelStore) -> None:
    assert store.load(store.save("tree\n", Calibration(), MANIFEST)).encoding.names == ["weight", "area"]


def test_saving_again_changes_nothing(store: ModelStore) -> None:
    version = store.save("tree\n", Calibration(), MANIFEST)
    before = {name: (store.folder / version / name).stat().st_mtime_ns for name in FILES}
    assert store.save("tree\n", Calibration(), MANIFEST) == version
    assert {name: (store.folder / version / name).stat().st_mtime_ns for name in FILES} == before
    assert store.versions() == (version,)


def test_every_part_counts_for_the_version(store: ModelStore) -> None:
    versions = {
        store.save("tree\n", Calibration(), MANIFEST),
        store.save("tree2\n", Calibration(), MANIFEST),
        store.save("tree\n", Calibration("platt", 1.1, 0.1), MANIFEST),
        store.save("tree\n", Calibration(), replace(MANIFEST, seed=1)),
    }
    assert len(versions) == 4
    assert all(len(version) == 12 for version in versions)


@pytest.mark.parametrize("name", FILES)
def test_one_changed_byte_is_refused(store: ModelStore, name: str) -> None:
    version = store.save("tree\n", Calibration(), MANIFEST)
    file = store.folder / version / name
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    with pytest.raises(IntegrityError, match="was changed on disk"):
        store.load(version)
    with pytest.raises(IntegrityError):
        store.save("tree\n", Calibration(), MANIFEST)
    assert len(store.verify()) == 1


def test_a_missing_file_is_named(store: ModelStore) -> None:
    version = store.save("tree\n", Calibration(), MANIFEST)
    (store.folder / version / "calibration.json").unlink()
    with pytest.raises(IntegrityError, match=r"lacks calibration\.json"):
        store.load(version)


def test_an_unknown_version_lists_the_known(store: ModelStore) -> None:
    version = store.save("tree\n", Calibration(), MANIFEST)
    with pytest.raises(UnknownNameError, match=version):
        store.load("nothing")


@pytest.mark.parametrize("name", ["../models", "..", ""])
def test_a_version_is_a_name_not_a_path(store: ModelStore, name: str) -> None:
    store.save("tree\n", Calibration(), MANIFEST)
    with pytest.raises(UnknownNameError):
        store.load(name)


def test_a_full_disk_leaves_nothing_behind(store: ModelStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match="No space left"):
        store.save("tree\n", Calibration(), MANIFEST)
    assert list(store.folder.iterdir()) == []


def test_what_a_kill_left_half_written_is_no_package(store: ModelStore) -> None:
    half = store.folder / f"{WRITING}abc-123"
    half.mkdir()
    (half / "model.txt").write_text("tre")
    assert store.versions() == ()
    version = store.save("tree\n", Calibration(), MANIFEST)
    assert store.versions() == (version,)


def test_a_rename_lost_to_another_process_is_success(store: ModelStore, monkeypatch: pytest.MonkeyPatch) -> None:
    rename = Path.rename

    def late(self: Path, target: Path) -> Path:
        if not target.exists():
            os.mkdir(target)
            for file in self.iterdir():
                (target / file.name).write_bytes(file.read_bytes())
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", late)
    version = store.save("tree\n", Calibration(), MANIFEST)
    assert store.load(version).booster_text == "tree\n"
    assert store.versions() == (version,)
