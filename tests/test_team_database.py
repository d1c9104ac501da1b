"""A workspace on a team's PostgreSQL: nobody reads its password, a failed start leaves nothing, and it may be moved."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import uuid
from pathlib import Path

import pytest
from sqlalchemy import create_engine, inspect, text

from loop_core.errors import LoopbenchError, RefusedError, StorageError
from loop_core.gates import ingest
from loop_core.jobs import enqueue
from loop_core.monitor import performance
from loop_core.passwords import without_passwords
from loop_core.postgres import DatabaseAddress, parse_address
from loop_core.retrain.study import Search
from loop_core.signals import read_source
from loop_core.vocabulary import Signal
from loop_core.workspace import Workspace
from tests.conftest import CHARTER, START

SECRET = "s3cr@t:Äx"
QUOTED = "s3cr%40t%3A%C3%84x"


@pytest.mark.parametrize(
    "said",
    [
        f"postgresql://ana:{QUOTED}@db:6000/x?sslmode=require",
        "attach 'ducklake:postgres:postgresql://ana:hunter2@db/x' as lake",
        "(postgresql+pg8000://ana:hunter2@db/x)",
        "host=db user=ana password=hunter2 dbname=x",
        "host=db password='hunter2 and more' dbname=x",
        "postgresql://ana@db/x?password=hunter2&sslpassword=hunter2",
        "loop init W --catalog postgresql://ana:hun@ter2@db/x --name y",
        "mysql://ana:hunter2@db",
    ],
)
def test_no_text_shows_a_password(said: str) -> None:
    for shown in (without_passwords(said), str(StorageError(said, said, said))):
        assert not any(secret in shown for secret in ("hunter2", "ter2", QUOTED, "and more"))
        assert "db" in shown


@pytest.mark.parametrize(
    "said", ["http://127.0.0.1:8501/x", "a@b.c: see https://x.y/z", "password file", "it is // of no use"]
)
def test_other_texts_stay(said: str) -> None:
    assert without_passwords(said) == said


def test_an_address_has_its_parts_and_shows_no_password() -> None:
    address = parse_address(f"postgresql://ana:{QUOTED}@[::1]:6000/w%20w?sslmode=require&connect_timeout=5")
    assert address.password == SECRET
    assert str(address) == "postgresql://ana@[::1]:6000/w%20w?sslmode=require&connect_timeout=5"
    assert SECRET not in repr(address)
    socket = parse_address("postgresql:///x?host=/var/Run/pg")
    assert (socket.host, parse_address(str(socket))) == ("/var/Run/pg", socket)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("mysql://ana:hunter2@db/x", "not the address of a PostgreSQL"), ("postgresql://db:port/x", "not the address"),
        ("postgresql://db", "not the address"), ("postgresql://db/x?ssl_mode=require", "ssl_mode.*sslmode"),
        ("postgresql://db/x?sslmode=always", "verify-full"), ("postgresql://db/x?connect_timeout=soon", "number of seconds"),
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused_and_leaves_nothing(text: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match=says) as refused:
        Workspace.create(tmp_path / "w", catalog=text)
    assert "hunter2" not in str(refused.value)
    assert list(tmp_path.iterdir()) == []


def test_passwords_are_read_as_libpq_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "pgpass"
    address = DatabaseAddress("ana", "db", 5432, "x", password=SECRET)
    file.write_text(f"# db:5432:x:ana:no\nelsewhere:*:*:*:other\n{address.password_line()}db:*:*:*:late\n")
    file.chmod(0o600)
    monkeypatch.delenv("PGPASSWORD", raising=False)
    monkeypatch.setenv("PGPASSFILE", str(file))
    bare = parse_address("postgresql://ana@db/x")
    assert bare._secret() == SECRET
    assert bare.with_password_file(file).options == {"passfile": str(file)}
    assert parse_address("postgresql://bo@db/x")._secret() == "late"
    file.chmod(0o640)
    assert bare._secret() is None, "others may read the file, so nobody relies on it"
    monkeypatch.setenv("PGPASSWORD", "said")
    assert bare._secret() == "said"


@pytest.fixture
def guarded(database: str) -> str:
    """A database whose user has a password, as an address with it. (The cluster itself asks nobody.)"""
    user, rest = database.removeprefix("postgresql://").split("@")
    return f"postgresql://{user}:{QUOTED}@{rest}?connect_timeout=30&application_name=loop&sslmode=prefer"


@pytest.mark.postgres
def test_no_file_but_one_of_mode_600_holds_the_password(guarded: str, tmp_path: Path) -> None:
    folder = tmp_path / "w"
    with Workspace.create(folder, catalog=guarded) as workspace:
        workspace.set_charter(CHARTER, actor="ana", reason="first", as_of=START)
        Search(workspace.studies_url, "s", 1, seed=0)
        shown = (
            f"{workspace.lake.location!r} {workspace.ledger.url} {workspace.ledger.engine!r} {workspace.studies_url}"
        )
        databases = str(workspace.lake.rows("select * from duckdb_databases()"))
    holders = [file for file in folder.rglob("*") if file.is_file() and b"s3cr" in file.read_bytes()]
    assert [file.name for file in holders] == ["catalog.pgpass"]
    assert stat.S_IMODE(holders[0].stat().st_mode) == 0o600
    assert "s3cr" not in shown + databases
    older = (folder / "workspace.toml").read_text().replace("loop@", f"loop:{QUOTED}@")
    holders[0].unlink()
    (folder / "workspace.toml").write_text(older.replace("format = ", "format = 3 # "))
    with Workspace.open(folder) as workspace:
        assert workspace.loops() == ("orders",)
    assert QUOTED not in (folder / "workspace.toml").read_text()
    assert stat.S_IMODE(holders[0].stat().st_mode) == 0o600


@pytest.mark.postgres
def test_a_workspace_is_moved_and_its_database_holds_no_second(database: str, tmp_path: Path) -> None:
    with Workspace.create(tmp_path / "w", catalog=database) as workspace:
        loop = workspace.set_charter(CHARTER, actor="ana", reason="first", as_of=START)
        workspace.lake.write(
            lambda tx: tx.execute(
                f"insert into {loop.table('predictions')} (prediction_id) select 'p' || range from range(3000)"
            ),
            actor="ana", message="rows",
        )  # fmt: skip
    (tmp_path / "w").rename(tmp_path / "elsewhere")
    with Workspace.open(tmp_path / "elsewhere") as workspace:
        table = workspace.loop("orders").table("predictions")
        assert workspace.lake.rows(f"select count(distinct prediction_id) from {table}") == [(3000,)]
    with pytest.raises(RefusedError, match="holds a workspace already"):
        Workspace.create(tmp_path / "second", catalog=database)
    assert not (tmp_path / "second").exists()


@pytest.mark.postgres
def test_a_failed_start_leaves_nothing(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(*_: object, **__: object) -> None:
        raise StorageError("the disk is full")

    with monkeypatch.context() as broken:
        broken.setattr("loop_core.opening.Ledger", breaks)
        with pytest.raises(StorageError, match="full"):
            Workspace.create(tmp_path / "w", catalog=database)
    assert list(tmp_path.iterdir()) == []
    engine = create_engine(database.replace("postgresql", "postgresql+pg8000", 1))
    assert "loopbench_lake" not in inspect(engine).get_schema_names()
    with engine.begin() as connection:  # what an earlier version left
        connection.execute(text("create schema loopbench_lake"))
    engine.dispose()
    Workspace.create(tmp_path / "w", catalog=database).close()


def test_an_unreachable_database_leaves_nothing_and_says_no_password(tmp_path: Path) -> None:
    with pytest.raises(LoopbenchError) as failed:
        Workspace.create(
            tmp_path / "w", catalog=f"postgresql://ana:{QUOTED}@127.0.0.1:1/x?sslmode=require&connect_timeout=2"
        )
    assert not any(secret in str(failed.value) for secret in (SECRET, QUOTED))
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(LoopbenchError) as failed:
        read_source(f"postgresql://ana:{QUOTED}@127.0.0.1:1/x", "select 1")
    assert not any(secret in str(failed.value) for secret in (SECRET, QUOTED))


def test_the_log_of_what_is_unforeseen_holds_no_password(tmp_path: Path) -> None:
    code = (
        "import loop_core.cli as c\n"
        "def app(): raise ValueError('no postgresql://ana:hunter2@db/x')\n"
        "c.app = app\nc.main()"
    )
    command = [sys.executable, "-c", code, "init", "w", "--catalog", "postgresql://ana:hunter2@db/x"]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"HOME": str(tmp_path)})
    log = tmp_path / ".loopbench-errors.log"
    assert done.returncode == 70
    assert "hunter2" not in done.stdout + done.stderr + log.read_text()
    assert stat.S_IMODE(log.stat().st_mode) == 0o600


@pytest.mark.postgres
def test_a_lake_with_tables_is_somebodys_though_its_ledger_is_gone(database: str, tmp_path: Path) -> None:
    """Few rows stay in the catalogue itself: there need not be a file."""
    with Workspace.create(tmp_path / "w", catalog=database) as workspace:
        workspace.set_charter(CHARTER, actor="ana", reason="first", as_of=START)
        with workspace.ledger.engine.begin() as connection:
            connection.execute(text("drop table loopbench_entries"))
    with pytest.raises(RefusedError, match="holds a workspace already"):
        Workspace.create(tmp_path / "other", catalog=database)


@pytest.mark.postgres
def test_a_user_of_the_database_who_may_only_read_can_read(database: str, tmp_path: Path) -> None:
    folder, file = tmp_path / "w", tmp_path / "p.csv"
    file.write_text("prediction_id,predicted_at,price\na,2018-01-01T00:00:00Z,1\n")
    with Workspace.create(folder, catalog=database) as workspace:
        loop = workspace.set_charter(CHARTER, actor="ana", reason="first", as_of=START)
        ingest(loop, Signal.PREDICTIONS, read_source(file), actor="ana", as_of=START)
        length = workspace.ledger.length()
    role = f"reader_{uuid.uuid4().hex[:8]}"
    engine = create_engine(database.replace("postgresql:", "postgresql+pg8000:"))
    with engine.begin() as connection:
        connection.execute(text(f"create role {role} login"))
        for schema in ("public", "loopbench_lake"):
            connection.execute(text(f"grant usage on schema {schema} to {role}"))
            connection.execute(text(f"grant select on all tables in schema {schema} to {role}"))
    settings = folder / "workspace.toml"
    settings.write_text(settings.read_text().replace("postgresql://loop@", f"postgresql://{role}@"))
    file.write_text("prediction_id,predicted_at,price\nb,2018-01-01T00:00:00Z,1\n")
    with Workspace.open(folder) as workspace:
        loop = workspace.loop("orders")
        assert len(performance(loop, START)) == 0
        assert workspace.ledger.verify().is_whole
        for act in (
            lambda: ingest(loop, Signal.PREDICTIONS, read_source(file), actor="bo", as_of=START),
            lambda: workspace.set_charter(CHARTER + "# more\n[monitor]\nmin_rows = 7\n", actor="bo", reason="x", as_of=START),
            lambda: enqueue(workspace, "orders", "retrain", {}, "bo"),
            lambda: loop.ledger.append(kind="note", loop="orders", subject="x", actor="bo", as_of=START),
        ):  # fmt: skip
            with pytest.raises(StorageError, match=r"may only read the team's database.*ask its owner"):
                act()
        assert loop.lake.rows(f"select prediction_id from {loop.table('predictions')}") == [("a",)]
        assert (workspace.ledger.length(), workspace.ledger.verify().is_whole) == (length, True)
    with engine.begin() as connection:
        connection.execute(text(f"drop owned by {role}"))
        connection.execute(text(f"drop role {role}"))
    engine.dispose()
