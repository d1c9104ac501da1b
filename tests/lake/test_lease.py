"""Maintenance waits for readers and writers, they wait for it, and nobody waits for ever."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from loop_core.errors import StorageError
from loop_core.lake import lease
from loop_core.workspace import Loop, Workspace
from tests.conftest import CHARTER, START
from tests.lake.test_connection import add, count

#: A reader in a process of its own: says `in` when it holds a snapshot, and holds it until it is killed.
READER = """
import sys
from loop_core.workspace import Workspace
with Workspace.open(sys.argv[1]) as ws, ws.lake.one_snapshot():
    ws.lake.rows("select count(*) from lake.orders.predictions")
    print("in", flush=True)
    sys.stdin.read()
"""
MERGE = "call ducklake_merge_adjacent_files('lake')"


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for long."""
    monkeypatch.setattr(lease, "MAINTENANCE_SECONDS", 0.1)
    monkeypatch.setattr(lease, "FIRST_WAIT", 0.05)
    monkeypatch.setattr(lease, "TURN_WAIT", 0.05)
    monkeypatch.setattr(lease, "LOCK_SECONDS", 0.1)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def filled(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Loop]:
    """`orders` with two rows, on either catalogue."""
    catalog = request.getfixturevalue("database") if request.param == "postgresql" else None
    with Workspace.create(tmp_path / "w", catalog=catalog) as workspace:
        loop = workspace.set_charter(CHARTER, actor="ana", reason="first", as_of=START)
        add(loop, "a", "b")
        yield loop


def beside(work: object) -> threading.Thread:
    thread = threading.Thread(target=work, daemon=True)  # type: ignore[arg-type]
    thread.start()
    return thread


@pytest.mark.usefixtures("hurried")
def test_maintenance_gives_up_beside_a_reader_and_says_so(filled: Loop) -> None:
    inside, leave = threading.Event(), threading.Event()

    def read() -> None:
        with filled.lake.one_snapshot():
            inside.set()
            leave.wait()

    reader = beside(read)
    inside.wait()
    with pytest.raises(StorageError, match="reading or writing the lake"):
        filled.lake.maintain(MERGE)
    assert count(filled) == 2, "others read on"
    leave.set()
    reader.join()
    filled.lake.maintain(MERGE)


@pytest.mark.usefixtures("hurried")
def test_maintenance_waits_for_a_stream_and_a_write(filled: Loop) -> None:
    stream = filled.lake.batches(f"select prediction_id from {filled.table('predictions')}")
    next(stream)
    with pytest.raises(StorageError, match="reading or writing"):
        filled.lake.maintain(MERGE)
    stream.close()
    with filled.lake._lease.turn(), pytest.raises(StorageError, match="reading or writing"):
        filled.lake.maintain(MERGE)
    filled.lake.maintain(MERGE)


@pytest.mark.usefixtures("hurried")
def test_readers_and_writers_wait_for_maintenance(filled: Loop) -> None:
    with filled.lake._lease.alone():
        with pytest.raises(StorageError, match="under maintenance"):
            count(filled)
        with pytest.raises(StorageError, match="has been writing"):
            add(filled, "c")
    assert count(filled) == 2


def test_a_reader_does_not_wait_for_itself(filled: Loop) -> None:
    with filled.lake.one_snapshot():
        with pytest.raises(StorageError, match="This thread reads"):
            filled.lake.maintain(MERGE)
        # Maintenance that waits for this thread lets in what this thread needs to end.
        done = threading.Event()
        maintenance = beside(lambda: (filled.lake.maintain(MERGE), done.set()))
        stream = list(filled.lake.batches(f"select prediction_id from {filled.table('predictions')}"))
        assert sum(batch.num_rows for batch in stream) == 2
        add(filled, "c")
        assert not done.is_set()
    maintenance.join()
    assert count(filled) == 3


def test_a_killed_reader_holds_up_nobody(filled: Loop) -> None:
    command = [sys.executable, "-c", READER, str(filled.workspace.path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as reader:
        assert reader.stdout is not None
        assert reader.stdout.readline().strip() == "in"
        with filled.lake._lease.turn():
            done = threading.Event()
            maintenance = beside(lambda: (filled.lake.maintain(MERGE), done.set()))
        assert not done.is_set()
        os.kill(reader.pid, signal.SIGKILL)
    maintenance.join()
    assert count(filled) == 2
