from __future__ import annotations

import threading
from datetime import timedelta
from pathlib import Path

import pytest

from loop_core.errors import DamagedFileError, StorageError
from loop_core.lake import Transaction
from loop_core.lake.extensions import connect
from loop_core.workspace import Loop, Workspace
from tests.conftest import START


def add(loop: Loop, *ids: str) -> None:
    def body(tx: Transaction) -> None:
        for prediction in ids:
            tx.execute(
                f"insert into {loop.table('predictions')} (prediction_id, predicted_at, price) values ($id, $when, 1)",
                {"id": prediction, "when": START},
            )

    loop.lake.write(body, actor="ana", message="test")


def count(loop: Loop) -> int:
    return int(loop.lake.rows(f"select count(*) from {loop.table('predictions')}")[0][0])


def test_a_failing_write_leaves_nothing(loop: Loop) -> None:
    def body(tx: Transaction) -> None:
        tx.execute(f"insert into {loop.table('predictions')} (prediction_id) values ('a')")
        raise RuntimeError("on the way")

    with pytest.raises(RuntimeError, match="on the way"):
        loop.lake.write(body, actor="ana", message="test")
    assert count(loop) == 0
    add(loop, "b")
    assert count(loop) == 1


def test_snapshots_and_change_feed(loop: Loop) -> None:
    add(loop, "a")
    first = loop.lake.snapshot()
    add(loop, "b", "c")
    table = loop.table("predictions")
    assert loop.lake.rows(f"select count(*) from {table} at (version => {first})") == [(1,)]
    changes = loop.lake.changes("orders.predictions", first, loop.lake.snapshot())
    assert sorted(changes["prediction_id"]) == ["b", "c"]
    assert loop.lake.changes("orders.predictions", first, first).is_empty()


@pytest.mark.parametrize(
    "statement",
    [
        "delete from {table}",
        "with a as (select 1) delete from {table}",
        "drop table {table}",
        "select 1; drop table {table}",
    ],
)
def test_reading_cannot_write(loop: Loop, statement: str) -> None:
    add(loop, "a")
    with pytest.raises(StorageError):
        loop.lake.rows(statement.format(table=loop.table("predictions")))
    assert count(loop) == 1


def test_threads_write_and_read_at_once(loop: Loop) -> None:
    failures: list[Exception] = []

    def work(name: str) -> None:
        try:
            for i in range(10):
                add(loop, f"{name}{i}")
                count(loop)
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(name,)) for name in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert count(loop) == 30


def test_message_and_actor_are_in_the_snapshot(loop: Loop) -> None:
    add(loop, "a")
    assert loop.lake.rows(
        "select author, commit_message from ducklake_snapshots('lake') order by snapshot_id desc limit 1"
    ) == [("ana", "test")]


def test_errors_are_in_the_products_words(workspace: Workspace) -> None:
    with pytest.raises(StorageError, match="The lake refused this"):
        workspace.lake.rows("select * from nowhere")


def test_instants_come_back_in_utc(loop: Loop, monkeypatch: pytest.MonkeyPatch) -> None:
    add(loop, "a")
    found = loop.lake.rows(f"select predicted_at from {loop.table('predictions')}")[0][0]
    assert found == START
    assert found.utcoffset() == timedelta(0)


def test_reads_of_one_snapshot_agree_whatever_is_written_meanwhile(loop: Loop) -> None:
    add(loop, "a")
    with loop.lake.one_snapshot():
        assert count(loop) == 1
        add(loop, "b")
        assert count(loop) == 1
        with pytest.raises(StorageError, match="nothing_of_the_kind"):
            loop.lake.rows("from nothing_of_the_kind")
    assert count(loop) == 2


@pytest.mark.parametrize("threads", ["1", "3"])
def test_a_machine_that_is_shared_says_how_many_threads_a_query_may_use(threads: str, monkeypatch) -> None:
    monkeypatch.setenv("LOOPBENCH_THREADS", threads)
    assert connect().execute("select current_setting('threads')").fetchall() == [(int(threads),)]


@pytest.mark.parametrize("threads", ["0", "-1", "many", "1.5"])
def test_an_impossible_number_of_threads_is_refused(threads: str, monkeypatch) -> None:
    monkeypatch.setenv("LOOPBENCH_THREADS", threads)
    with pytest.raises(StorageError, match="LOOPBENCH_THREADS"):
        connect()


@pytest.mark.parametrize("content", [None, b"", b"no Parquet file at all"], ids=["gone", "empty", "other"])
def test_a_damaged_file_is_named_with_the_way_back(loop: Loop, content: bytes | None) -> None:
    add(loop, *(f"{n}" for n in range(30)))
    loop.lake.maintain("call ducklake_flush_inlined_data('lake')")
    file = next(Path(loop.lake.location.data).rglob("predictions/**/*.parquet"))
    file.unlink()
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(DamagedFileError, match="backup") as raised:
        loop.lake.rows(f"select max(prediction_id) from {loop.table('predictions')}")
    assert str(file) in raised.value.given
