from __future__ import annotations

import itertools
import threading
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from loop_core.errors import StorageError
from loop_core.ledger import Ledger
from loop_core.workspace import Loop, Workspace
from tests.conftest import START


def append(ledger: Ledger, subject: str, key: str | None = None) -> int:
    return ledger.append(
        kind="test.done", loop="orders", subject=subject, actor="ana", as_of=START, payload={"n": 1}, key=key
    ).seq


def test_entries_chain_and_verify(workspace: Workspace) -> None:
    for i in range(5):
        append(workspace.ledger, f"s{i}")
    entries = workspace.ledger.entries()
    assert [entry.seq for entry in entries] == [1, 2, 3, 4, 5]
    assert all(after.prev_hash == before.hash for before, after in itertools.pairwise(entries))
    report = workspace.ledger.verify()
    assert report.broken_at is None
    assert report.head == entries[-1].hash


@pytest.mark.parametrize(
    "tamper",
    [
        "update loopbench_entries set actor = 'eve' where seq = 3",
        "update loopbench_entries set payload = '{}' where seq = 3",
        "delete from loopbench_entries where seq = 3",
        "update loopbench_entries set as_of = '2017-01-01T00:00:00.000000+00:00' where seq = 3",
    ],
)
def test_tampering_is_found(workspace: Workspace, tamper: str) -> None:
    for i in range(5):
        append(workspace.ledger, f"s{i}")
    with workspace.ledger.engine.begin() as connection:
        connection.execute(text(tamper))
    assert workspace.ledger.verify().broken_at in (3, 4)


def test_the_same_key_appends_once(workspace: Workspace) -> None:
    assert append(workspace.ledger, "a", key="k") == append(workspace.ledger, "b", key="k")
    assert [entry.subject for entry in workspace.ledger.entries()] == ["a"]


def test_filters(workspace: Workspace) -> None:
    ledger = workspace.ledger
    for kind, day in (("release.proposed", 0), ("release.promoted", 5), ("cycle.ran", 7)):
        ledger.append(kind=kind, loop="orders", subject="v", actor="ana", as_of=START + timedelta(days=day))
    assert len(ledger.entries(kind="release.")) == 2
    assert len(ledger.entries(kind="release.promoted")) == 1
    assert len(ledger.entries(kind="release.", until=START + timedelta(days=4))) == 1
    assert ledger.entries(loop="other") == []


def test_a_failed_transaction_appends_nothing(workspace: Workspace) -> None:
    def fail_after_append() -> None:
        with workspace.ledger.transaction() as tx:
            tx.append(kind="test.done", loop="orders", subject="a", actor="ana", as_of=START)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_after_append()
    assert workspace.ledger.length() == 0


def test_threads_append_without_gaps(workspace: Workspace) -> None:
    threads = [threading.Thread(target=lambda: [append(workspace.ledger, "x") for _ in range(10)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert workspace.ledger.verify().n == 40
    assert workspace.ledger.verify().broken_at is None


def test_a_newer_ledger_is_refused(workspace: Workspace) -> None:
    with workspace.ledger.engine.begin() as connection:
        connection.execute(text("update loopbench_schema set version_num = '9999'"))
    with pytest.raises(StorageError, match=r"schema 9999.*update Loopbench"):
        Ledger(workspace.ledger.url, workspace.path)


@pytest.mark.parametrize(
    ("releases", "left"),
    [
        ("", []),
        ("+a", []),
        ("+a +b +c", ["b", "a"]),
        ("+a +b -a", []),
        ("+a +b -a +c", ["a"]),
        ("+a +b -a +b", ["a"]),
        ("+a +b -a +c +b +d", ["b", "c", "a"]),
        ("+a +b -a -b", []),
        ("+a +b +c -a", ["b"]),
    ],
)
def test_worth_going_back_to_are_champions_that_were_not_rolled_back_from(
    loop: Loop, releases: str, left: list[str]
) -> None:
    serving = None
    for day, (how, version) in enumerate(releases.split()):
        kind = {"+": "release.promoted", "-": "release.rolled_back"}[how]
        loop.ledger.append(
            kind=kind, loop=loop.name, subject=version, actor="ana", as_of=START + timedelta(days=day), payload={"previous": serving},
        )  # fmt: skip
        serving = version
    assert loop.predecessors(START + timedelta(days=99)) == left
    assert loop.predecessors(START) == []


@pytest.mark.postgres
def test_the_same_on_postgresql(database: str, tmp_path: Path) -> None:
    ledger = Ledger(database, tmp_path, create=True)
    threads = [threading.Thread(target=lambda: [append(ledger, "x") for _ in range(10)]) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ledger.verify().n == 30
    assert ledger.verify().broken_at is None
    ledger.close()
