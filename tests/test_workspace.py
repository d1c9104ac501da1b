from __future__ import annotations

import os
import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from loop_core.errors import CharterError, RefusedError, StorageError, UnknownNameError
from loop_core.layout import FORMAT, founding_folder
from loop_core.ledger.database import founding
from loop_core.monitor.profiles import profile_series
from loop_core.monitor.profiles.store import read_mark
from loop_core.postgres import parse_address
from loop_core.workspace import Loop, Workspace
from tests.conftest import CHARTER, START


def test_a_workspace_remade_at_its_place_is_another_one(tmp_path: Path) -> None:
    from tests.monitor.world import DAYS, fill, predictions

    found = []
    for seed in (0, 1):
        with Workspace.create(tmp_path / "w") as workspace:
            loop = workspace.set_charter(CHARTER, actor="ana", reason="first", as_of=START)
            fill(loop, predictions(seed))
            (price,) = [s for s in profile_series(loop, START + timedelta(days=DAYS), weeks=2) if s.column == "price"]
            found.append(price.binning)
            with Workspace.open(tmp_path / "w") as again:
                assert again.identity == workspace.identity
        shutil.rmtree(tmp_path / "w")
    assert found[0] != found[1]


def test_an_init_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    """A folder whose settings were lost is no workspace any more, and its record is still somebody's."""
    Workspace.create(tmp_path / "w").close()
    (tmp_path / "w" / "workspace.toml").unlink()
    before = (tmp_path / "w" / "ledger.sqlite").read_bytes()
    (tmp_path / "w" / "lake" / "catalog.sqlite").write_bytes(b"not a database" * 100)
    with pytest.raises(StorageError):
        Workspace.create(tmp_path / "w")
    assert (tmp_path / "w" / "ledger.sqlite").read_bytes() == before
    assert (tmp_path / "w" / "lake" / "catalog.sqlite").exists()


def test_open_again(tmp_path: Path) -> None:
    Workspace.create(tmp_path / "w").close()
    with Workspace.open(tmp_path / "w") as workspace:
        assert workspace.loops() == ()


def test_a_workspace_can_be_moved_and_its_path_may_hold_a_quote(loop: Loop, tmp_path: Path) -> None:
    table = loop.table("predictions")
    loop.lake.write(
        lambda tx: tx.execute(
            f"insert into {table} (prediction_id, predicted_at) select i, $w from range(1000) t(i)", {"w": START}
        ),
        actor="ana",
        message="enough rows for a file",
    )
    loop.workspace.close()
    (tmp_path / "w").rename(tmp_path / "Ana's")
    with Workspace.open(tmp_path / "Ana's") as moved:
        assert moved.lake.rows(f"select count(*) from {table}") == [(1000,)]


def test_no_workspace_newer_workspace_second_workspace(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="no workspace at"):
        Workspace.open(tmp_path)
    Workspace.create(tmp_path / "w").close()
    with pytest.raises(RefusedError, match="already is a workspace"):
        Workspace.create(tmp_path / "w")
    settings = tmp_path / "w" / "workspace.toml"
    settings.write_text(settings.read_text().replace(f"format = {FORMAT}", "format = 99"))
    with pytest.raises(StorageError, match=r"format 99.*update Loopbench"):
        Workspace.open(tmp_path / "w")


def test_an_older_workspace_is_brought_up(loop: Loop) -> None:
    folder = loop.workspace.path
    table = loop.table("findings")
    lost = f"drop table {loop.table('profile_state')}"
    loop.lake.write(
        lambda tx: [tx.execute(sql) for sql in (f"alter table {table} drop column evidence", lost)],
        actor="ana",
        message="as it used to be",
    )
    loop.workspace.close()
    settings = folder / "workspace.toml"
    settings.write_text(settings.read_text().replace(f"format = {FORMAT}", "format = 1"))
    for _ in range(2):
        with Workspace.open(folder) as workspace:
            assert workspace.lake.rows(f"select count(evidence) from {table}") == [(0,)]
            assert read_mark(workspace.loop(loop.name)) is None
    assert f"format = {FORMAT}" in settings.read_text()


def test_broken_settings_are_said(tmp_path: Path) -> None:
    Workspace.create(tmp_path / "w").close()
    (tmp_path / "w" / "workspace.toml").write_text("format = ")
    with pytest.raises(StorageError, match="cannot be read"):
        Workspace.open(tmp_path / "w")


def test_a_folder_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("x")
    with pytest.raises(StorageError, match="No workspace can be made"):
        Workspace.create(tmp_path / "f" / "w")


def test_charter_versions(workspace: Workspace, loop: Loop) -> None:
    assert workspace.set_charter(CHARTER, actor="bo", reason="same", as_of=START).charter.hash == loop.charter.hash
    assert len(loop.entries("charter.changed")) == 1
    changed = workspace.set_charter(CHARTER.replace("60", "61"), actor="bo", reason="labels come later", as_of=START)
    assert changed.charter.labels.horizon_days == 61
    assert [entry.reason for entry in loop.entries("charter.changed")] == ["first", "labels come later"]
    assert workspace.loop("orders").charter.hash == changed.charter.hash


def test_a_new_column_is_added_and_a_changed_type_refused(workspace: Workspace, loop: Loop) -> None:
    more = CHARTER.replace("[[cohorts]]", '[[features]]\nname = "photos"\ntype = "number"\n\n[[cohorts]]')
    workspace.set_charter(more, actor="ana", reason="photos", as_of=START)
    assert loop.lake.rows(f"select photos from {loop.table('predictions')}") == []
    with pytest.raises(CharterError, match="price is stored as number"):
        workspace.set_charter(CHARTER.replace('"number"', '"text"', 1), actor="ana", reason="x", as_of=START)


def test_an_edited_file_is_not_in_force_until_applied(workspace: Workspace, loop: Loop) -> None:
    workspace.charter_file("orders").write_text(CHARTER.replace("60", "90"))
    assert workspace.loop("orders").charter.labels.horizon_days == 60


def test_several_loops(workspace: Workspace, loop: Loop) -> None:
    workspace.set_charter(
        CHARTER.replace('name = "orders"', 'name = "returns"'), actor="ana", reason="second", as_of=START
    )
    assert workspace.loops() == ("orders", "returns")
    with pytest.raises(UnknownNameError, match="orders, returns"):
        workspace.loop("order")


@pytest.mark.skipif(os.getuid() == 0, reason="root writes to read-only folders")
def test_a_read_only_folder(tmp_path: Path) -> None:
    (tmp_path / "ro").mkdir(mode=0o500)
    with pytest.raises(StorageError, match="change its permissions"):
        Workspace.create(tmp_path / "ro" / "w")


@pytest.mark.postgres
def test_a_team_workspace_on_postgresql(tmp_path: Path, database: str) -> None:
    with Workspace.create(tmp_path / "w", catalog=database) as workspace:
        loop = workspace.set_charter(CHARTER, actor="ana", reason="first", as_of=START)
        loop.lake.write(
            lambda tx: tx.execute(
                f"insert into {loop.table('predictions')} (prediction_id, predicted_at) values ('a', $w)", {"w": START}
            ),
            actor="ana",
            message="test",
        )
    with Workspace.open(tmp_path / "w") as workspace:
        assert workspace.loops() == ("orders",)
        assert workspace.lake.rows(f"select prediction_id from {workspace.loop('orders').table('predictions')}") == [
            ("a",)
        ]


def test_an_unreachable_postgresql_is_said(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="No lake at"):
        Workspace.create(tmp_path / "w", catalog="postgresql://nobody:secret@127.0.0.1:1/none")


@pytest.mark.parametrize("kind", ["folder", pytest.param("database", marks=pytest.mark.postgres)])
def test_of_two_that_make_one_workspace_one_does(request: pytest.FixtureRequest, tmp_path: Path, kind: str) -> None:
    catalog = request.getfixturevalue("database") if kind == "database" else None
    path = tmp_path / "deep" / "w"
    held = founding(parse_address(catalog)) if catalog else founding_folder(path)
    with held:
        before = sorted(tmp_path.rglob("*"))
        with pytest.raises(RefusedError, match=f"Another process is making a workspace in the {kind}|in {path}"):
            Workspace.create(path, catalog=catalog)
        assert sorted(tmp_path.rglob("*")) == before, "nothing half-made, and nothing of the other's removed"
    Workspace.create(path, catalog=catalog).close()
    assert Workspace.open(path).close() is None
