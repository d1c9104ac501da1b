"""Whoever can change the database, and has not the key, is found out; and what was found has a name."""

from __future__ import annotations

import multiprocessing
import stat
from pathlib import Path

import pytest
from sqlalchemy import text

from loop_core.errors import IntegrityError, RefusedError, SourceError, StorageError
from loop_core.ledger import ANCHOR_FILE, KEY_FILE, ChainReport, Ledger, given_anchors
from loop_core.ledger.database import TABLES
from loop_core.ledger.entry import entry_hash
from loop_core.workspace import Workspace
from tests.conftest import START

N = 6
COLUMNS = "at, as_of, loop, kind, subject, actor, reason, payload, prev_hash, hash, key"


def append(ledger: Ledger, n: int = 1, *, first: int = 0) -> None:
    for i in range(first, first + n):
        payload = {"big": 2**60, "one": 1.0}
        ledger.append(
            kind="test.done", loop="orders", subject=f"s{i}", actor="ana", as_of=START, payload=payload, key=f"k{i}"
        )


def tamper(ledger: Ledger, *statements: str) -> ChainReport:
    with ledger.engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))
    return ledger.verify()


def rechain(ledger: Ledger, first: int) -> None:
    """Give entries from `first` on hashes that follow from one another, by the rule that needs no key."""
    with ledger.engine.begin() as connection:
        rows = connection.execute(text("select * from loopbench_entries order by seq")).mappings().all()
        previous = rows[first - 2]["hash"]
        for row in rows[first - 1 :]:
            fields = {**row, "prev_hash": previous}
            previous = entry_hash(fields, None)
            connection.execute(
                text("update loopbench_entries set prev_hash = :before, hash = :hash where seq = :seq"),
                {"before": fields["prev_hash"], "hash": previous, "seq": row["seq"]},
            )


CHANGED, MOVED = "was changed or inserted", "was moved"


@pytest.mark.parametrize(
    ("statements", "broken_at", "words"),
    [
        (["update loopbench_entries set actor = 'eve' where seq = 3"], 3, f"Entry 3 {CHANGED}"),
        (["update loopbench_entries set payload = '{}' where seq = 3"], 3, f"Entry 3 {CHANGED}"),
        (["update loopbench_entries set payload = replace(payload, '1.0', '1') where seq = 3"], 3, f"Entry 3 {CHANGED}"),
        (["update loopbench_entries set key = 'other' where seq = 3"], 3, f"Entry 3 {CHANGED}"),
        (["update loopbench_entries set as_of = '2017-01-01T00:00:00.000000+00:00' where seq = 6"], 6, "Entry 6"),
        (["delete from loopbench_entries where seq in (3, 4)"], 3, "Entries 3 to 4 are missing."),
        (
            [f"update loopbench_entries set seq = {was} where seq = {now}" for was, now in ((99, 3), (3, 4), (4, 99))],
            3,
            f"Entry 3 {MOVED}: it was written as entry 4. Entry 4 {MOVED}: it was written as entry 3.",
        ),
        (
            [
                "update loopbench_entries set seq = -seq where seq > 3",
                "update loopbench_entries set seq = 1 - seq where seq < 0",
                f"insert into loopbench_entries (seq, {COLUMNS}) select 4, at, as_of, loop, kind, 'new', actor, reason,"
                " payload, prev_hash, 'ffff', null from loopbench_entries where seq = 3",
            ],
            4,
            f"Entry 4 {CHANGED}: its hash is not that of its content. Entry 5 {MOVED}",
        ),
    ],
)  # fmt: skip
def test_what_is_altered_is_found_and_named(
    workspace: Workspace, statements: list[str], broken_at: int, words: str
) -> None:
    append(workspace.ledger, N)
    assert workspace.ledger.verify().is_whole
    integrity = tamper(workspace.ledger, *statements).integrity
    assert (integrity.state, integrity.broken_at) == ("broken", broken_at)
    assert words in integrity.sentence


def test_a_cut_end_is_missed(workspace: Workspace) -> None:
    ledger = workspace.ledger
    append(ledger, N)
    kept = ledger.anchor().text
    report = tamper(ledger, "delete from loopbench_entries where seq > 4")
    assert (report.integrity.state, report.completeness.state) == ("whole", "broken")
    assert "Entries 5 to 6 are missing at the end: anchored 20" in report.completeness.sentence
    with pytest.raises(IntegrityError, match="missing at the end"):
        ledger.anchor()
    # Going on after the cut hides nothing, and neither does taking the workspace's own anchors away.
    append(ledger, 3, first=10)
    assert "From entry 5 on the end was replaced" in ledger.verify().completeness.sentence
    (workspace.path / ANCHOR_FILE).unlink()
    assert ledger.verify().completeness.state == "unknown"
    assert ledger.verify(given_anchors(kept)).completeness.state == "broken"
    (workspace.path / "kept.txt").write_text(f"from the minutes: {kept}\n")
    assert ledger.verify(given_anchors(str(workspace.path / "kept.txt"))).completeness.state == "broken"
    with pytest.raises(SourceError, match="no anchor in"):
        given_anchors("abc")


def test_a_chain_made_again_without_the_key_is_found(workspace: Workspace) -> None:
    append(workspace.ledger, N)
    tamper(
        workspace.ledger,
        "delete from loopbench_entries where seq > 4",
        "update loopbench_entries set actor = 'eve' where seq = 3",
        f"update loopbench_schema set version_num = '{TABLES}'",
    )
    rechain(workspace.ledger, 3)
    report = workspace.ledger.verify()
    assert "Entry 3 was written without the ledger's key. Entry 4 was written" in report.integrity.sentence
    assert report.completeness.state == "broken"
    append(workspace.ledger, first=10)
    assert workspace.ledger.verify().broken_at == 3


@pytest.fixture
def older(workspace: Workspace) -> Ledger:
    """A ledger of four entries that no key was made for yet."""
    ledger = workspace.ledger
    append(ledger, 4)
    rechain(ledger, 2)
    with ledger.engine.begin() as connection:
        first = dict(connection.execute(text("select * from loopbench_entries where seq = 1")).mappings().one())
        connection.execute(text("update loopbench_entries set hash = :h where seq = 1"), {"h": entry_hash(first, None)})
        connection.execute(text("update loopbench_schema set version_num = '0002'"))
    rechain(ledger, 2)
    for name in (KEY_FILE, ANCHOR_FILE):
        (workspace.path / name).unlink()
    return Ledger(ledger.url, workspace.path)


def test_an_older_ledger_gets_its_key_with_the_next_entry(older: Ledger) -> None:
    def rule() -> str:
        with older.engine.connect() as connection:
            return str(connection.execute(text("select version_num from loopbench_schema")).scalar())

    report = older.verify()
    assert (report.integrity.state, report.completeness.state, rule()) == ("whole", "unknown", "0002")
    assert not (older.folder / KEY_FILE).exists()
    append(older, first=3)  # known: nothing is written
    assert not (older.folder / KEY_FILE).exists()
    append(older, first=4)
    report = older.verify()
    assert (report.integrity.state, report.completeness.state, rule()) == ("whole", "whole", "0003")
    assert [(entry.seq, entry.kind) for entry in older.entries()][-2:] == [(5, "ledger.keyed"), (6, "test.done")]
    append(older, first=5)
    assert len(older.entries(kind="ledger.keyed")) == 1
    assert "Entry 2" in tamper(older, "update loopbench_entries set reason = 'x' where seq = 2").integrity.sentence
    sealed = tamper(
        older, "update loopbench_entries set reason = '' where seq = 2",
        "update loopbench_entries set key = 'other' where seq = 2",
    )  # fmt: skip
    assert "An idempotency key of the entries before 5" in sealed.integrity.sentence


def test_the_key_is_its_readers_alone_and_missed_when_gone(workspace: Workspace) -> None:
    append(workspace.ledger, 2)
    modes = [stat.S_IMODE((workspace.path / name).stat().st_mode) for name in (KEY_FILE, ANCHOR_FILE)]
    assert modes == [0o600, 0o600]
    key = (workspace.path / KEY_FILE).read_text()
    (workspace.path / KEY_FILE).write_text(key.replace('key = "', 'key = "00'))
    assert "is it this workspace's?" in workspace.ledger.verify().integrity.sentence
    (workspace.path / KEY_FILE).unlink()
    assert workspace.ledger.verify().integrity.state == "unknown"
    again = Ledger(workspace.ledger.url, workspace.path)
    with pytest.raises(StorageError, match=r"key .* is gone"):
        append(again, first=5)
    assert again.length() == 2
    with pytest.raises(RefusedError, match="of a ledger that is not there"):
        Ledger(f"sqlite:///{workspace.path}/other.sqlite", workspace.path, create=True)


def test_two_processes_keep_one_chain(workspace: Workspace, older: Ledger) -> None:
    context = multiprocessing.get_context("fork")
    others = [context.Process(target=_append_there, args=(older.url, older.folder, 10 * i)) for i in (1, 2)]
    for other in others:
        other.start()
    for other in others:
        other.join()
    report = older.verify()
    assert (report.n, report.is_whole) == (4 + 1 + 2 * 5, True)
    assert report.completeness.unanchored == 0


def _append_there(url: str, folder: Path, first: int) -> None:
    append(Ledger(url, folder), 5, first=first)


@pytest.mark.postgres
def test_a_teams_database(database: str, tmp_path: Path) -> None:
    ledger = Ledger(database, tmp_path, create=True)
    append(ledger, N)
    assert ledger.verify().is_whole
    integrity = tamper(ledger, "update loopbench_entries set key = 'other' where seq = 3").integrity
    assert f"Entry 3 {CHANGED}" in integrity.sentence
    cut = tamper(ledger, "delete from loopbench_entries where seq > 5")
    assert "Entry 6 is missing at the end" in cut.completeness.sentence
    ledger.close()


def test_an_older_ledger_that_was_put_back_goes_on_record(workspace: Workspace) -> None:
    ledger, file = workspace.ledger, workspace.path / ANCHOR_FILE
    append(ledger, N)
    with pytest.raises(RefusedError, match="Nothing is missing"):
        ledger.note_restored(actor="ana", reason="disk failed")
    lost, before = ledger.anchor().text, file.read_text()
    tamper(ledger, "delete from loopbench_entries where seq > 4")
    with pytest.raises(RefusedError, match="No reason"):
        ledger.note_restored(actor="ana", reason=" ")
    entry, kept = ledger.note_restored(actor="ana", reason="disk failed, backup of Monday")
    assert (entry.seq, entry.kind, entry.payload["anchored"]) == (5, "ledger.restored", lost)
    assert ledger.verify().is_whole
    assert ledger.verify().completeness.state == "whole"
    assert (workspace.path / kept).read_text().startswith(before), "what shows the loss is kept"
    assert stat.S_IMODE((workspace.path / kept).stat().st_mode) & 0o077 == 0
    assert ledger.verify(given_anchors(lost)).completeness.state == "broken", "anchors kept elsewhere still tell"
    tamper(
        ledger,
        "update loopbench_entries set actor = 'eve' where seq = 2",
        "delete from loopbench_entries where seq = 5",
    )
    with pytest.raises(IntegrityError, match="Entry 2"):
        ledger.note_restored(actor="ana", reason="again")
