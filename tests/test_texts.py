"""Whatever stands where a text is looked for: one sentence at once, and nothing is waited for or read to an end it has not."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from loop_core.alerts.channels import load_channels
from loop_core.characters import one_line, visible
from loop_core.charter import load_charter
from loop_core.cli import app, main
from loop_core.errors import LoopbenchError, StorageError
from loop_core.layout import FORMAT, SETTINGS
from loop_core.ledger import given_anchors
from loop_core.monitor.drift.files import compare_files
from loop_core.recipes import load_recipe
from loop_core.signals import read_source
from loop_core.signals.simulate import load_scenario
from loop_core.texts import read_text
from loop_core.workspace import Loop, Workspace


def _pipe(path: Path) -> None:
    os.mkfifo(path)


def _endless(path: Path) -> None:
    path.symlink_to("/dev/zero")


def _folder(path: Path) -> None:
    path.mkdir()


def _itself(path: Path) -> None:
    path.symlink_to(path.name)


def _no_text(path: Path) -> None:
    path.write_bytes(b"a = \xff\n")


ODD = (_pipe, _endless, _folder, _itself, _no_text)


@pytest.mark.parametrize("make", ODD)
def test_whoever_reads_a_file_that_a_person_named_says_at_once_that_it_is_none(
    make: Callable[[Path], None], tmp_path: Path, loop: Loop
) -> None:
    for name in ("a.csv", "recipe.toml"):
        make(tmp_path / name)
    make(loop.workspace.path / "alerts.toml")
    path = tmp_path / "a.csv"
    with pytest.raises(OSError, match=r"a\.csv"):
        read_text(path)
    readers = [load_charter, load_scenario, read_source, lambda p: given_anchors(str(p))]
    # A table's text may be of any bytes.
    readers += [lambda p: compare_files(p, p)] if make is not _no_text else []
    for read in readers:
        with pytest.raises(LoopbenchError):
            read(path)
    for act in (lambda: load_recipe(tmp_path), lambda: load_channels(loop.workspace)):
        with pytest.raises(LoopbenchError):
            act()
    asked = ["triggers", "replay", loop.name, "--policy", str(path), "-w", str(loop.workspace.path)]
    assert "a.csv cannot be read" in str(CliRunner().invoke(app, asked).exception)


def test_a_name_no_file_can_have_is_not_there() -> None:
    for name in ("a\0b", "x" * 5_000):
        with pytest.raises(OSError, match="name"):
            read_text(Path(name))


def test_a_large_file_is_refused_unread(tmp_path: Path) -> None:
    with (tmp_path / "a.toml").open("wb") as file:
        file.truncate(10**12)
    with pytest.raises(OSError, match="more than"):
        read_text(tmp_path / "a.toml")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"", "no [storage]"),
        (b"format = ", "Invalid value"),
        (b"\x00\xff\xfe", "not UTF-8"),
        (b"format = '5'\n[storage]\n", "no whole number"),
        (b"format = true\n[storage]\n", "no whole number"),
        (b"format = -1\n[storage]\n", "no whole number"),
        (b"format = 99\n", "format 99"),
        (b"storage = 3\n", "no [storage]"),
        (b"[storage]\ncatalog = 3\ndata = 'x'\n", "catalog is no text"),
        (b"[storage]\ncatalog = 'lake/catalog.sqlite'\n", "data is no text"),
        (f"format = {FORMAT}\n[storage]\ncatalog = ''\ndata = 'x'\n".encode(), "catalog is no text"),
        (b"a = " + b"[" * 5_000, "nested too deeply"),
    ],
)
def test_damaged_settings_of_a_workspace_are_one_sentence(text: bytes, said: str, tmp_path: Path) -> None:
    (tmp_path / SETTINGS).write_bytes(text)
    with pytest.raises(StorageError) as told:
        Workspace.open(tmp_path)
    assert said in str(told.value)


@pytest.mark.parametrize("make", ODD)
def test_what_stands_in_the_place_of_the_settings_is_said(make: Callable[[Path], None], tmp_path: Path) -> None:
    make(tmp_path / SETTINGS)
    with pytest.raises(StorageError, match="cannot be read"):
        Workspace.open(tmp_path)


def test_bytes_of_a_name_that_are_no_text_are_written_out() -> None:
    name = os.fsdecode(b"a\xff")
    assert visible(name) == one_line(name) == r"a\udcff"


def test_a_folder_whose_name_is_no_text_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / os.fsdecode(b"a\xff")
    for act in (Workspace.create, Workspace.open):
        with pytest.raises(StorageError, match="not UTF-8"):
            act(path)
    assert not path.exists()
    monkeypatch.setattr("sys.argv", ["loop", "status", "-w", str(path)])
    monkeypatch.setattr("sys.path", list(sys.path))
    with pytest.raises(SystemExit):
        main()
    assert "not UTF-8" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["lake/catalog.sqlite", "ledger.sqlite"])
@pytest.mark.parametrize("content", [b"", b"no database at all" * 100])
def test_a_database_that_lost_everything_is_not_made_anew(name: str, content: bytes, loop: Loop) -> None:
    folder = loop.workspace.path
    loop.workspace.close()
    (folder / name).write_bytes(content)
    for _ in range(2):
        with pytest.raises(StorageError, match=name) as told:
            Workspace.open(folder)
        assert "restore it from a backup" in str(told.value)
