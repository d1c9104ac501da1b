"""Who may read a workspace: its owner alone, or where its folder is a group's, the group; whatever anybody's umask."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from loop_core import layout
from loop_core.workspace import Workspace
from tests.conftest import CHARTER, START

ROOT = Path(__file__).parents[1]
#: Two members of one group, as numbers that nobody has.
GROUP, MEMBERS = 61_000, (61_001, 61_002)


def modes(folder: Path) -> dict[str, int]:
    found = [folder, *folder.rglob("*")]
    return {str(entry.relative_to(folder)): stat.S_IMODE(entry.stat().st_mode) for entry in found}


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if no other workspace were open in this process; pages that were tested before may have left some so."""
    monkeypatch.setattr(layout, "_umasks", [])


def test_a_workspace_is_its_owners_alone(tmp_path: Path, alone: None) -> None:
    before = os.umask(0o022)
    try:
        with Workspace.create(tmp_path / "w") as workspace:
            workspace.set_charter(CHARTER, actor="ana", reason="first", as_of=START)
            workspace.lake.write(
                lambda tx: tx.execute("create table lake.t as from range(5000)"), actor="a", message="t"
            )
        assert os.umask(0o022) == 0o022, "that of the program is given back"
        assert {name for name, mode in modes(tmp_path / "w").items() if mode & 0o077} == set()
    finally:
        os.umask(before)


def test_what_lies_beside_a_workspace_stays_as_it_is(tmp_path: Path, alone: None) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "a.txt").write_text("mine")
    # Set after they are made: the process may have another umask, of pages that were tested before.
    for path, mode in ((tmp_path, 0o755), (tmp_path / "notes", 0o755), (tmp_path / "notes" / "a.txt", 0o644)):
        path.chmod(mode)
    Workspace.create(tmp_path).close()
    found = modes(tmp_path)
    assert {found["."], found["notes"], found["notes/a.txt"]} == {0o755, 0o644}
    assert {name for name, mode in found.items() if mode & 0o077} == {".", "notes", "notes/a.txt"}


def test_workspaces_open_at_a_time_are_each_their_owners_alone(tmp_path: Path, alone: None) -> None:
    before = os.umask(0o022)
    try:
        first, second = Workspace.create(tmp_path / "a"), Workspace.create(tmp_path / "b")
        first.close()
        second.set_charter(CHARTER, actor="ana", reason="first", as_of=START)
        assert {name for name, mode in modes(second.path).items() if mode & 0o077} == set()
        second.close()
        second.close()
        assert os.umask(0o022) == 0o022, "that of the program is given back"
    finally:
        os.umask(before)


TURNS = """
import os, sys, tempfile
from datetime import UTC, datetime
from loop_core.gates import ingest
from loop_core.signals import read_source
from loop_core.vocabulary import Signal
from loop_core.workspace import Workspace
from tests.conftest import CHARTER, START
folder, group, *turns = sys.argv[1:]
def work(folder, number):
    rows = [f"{number}-{k},2018-01-05T00:00:00Z,{k}" for k in range(3000)]
    with open(f"{folder}/{number}.csv", "w") as file:
        file.write("\\n".join(["prediction_id,predicted_at,price", *rows]) + "\\n")
    with (Workspace.open if number else Workspace.create)(f"{folder}/w") as workspace:
        if not number:
            workspace.set_charter(CHARTER, actor="ana", reason="first", as_of=START)
        loop, source = workspace.loop("orders"), read_source(f"{folder}/{number}.csv")
        ingest(loop, Signal.PREDICTIONS, source, actor="ana", as_of=datetime(2018, 2, 1, tzinfo=UTC))
        return loop.lake.rows(f"select count(*) from {loop.table('predictions')}")[0][0]
# Once as root, so that everything is imported: Python itself may lie where nobody else may read.
with tempfile.TemporaryDirectory() as warm:
    work(warm, 0)
os.setgroups([int(group)])
os.setegid(int(group))
for number, turn in enumerate(turns):
    user, umask = map(int, turn.split(":"))
    # Only root may become another, so root again before the next.
    os.seteuid(0)
    os.seteuid(user)
    os.umask(umask)
    print(work(folder, number))
"""


@pytest.mark.skipif(os.getuid() != 0, reason="two users of one group: only root may become both")
def test_two_users_of_one_group_work_in_one_folder_whatever_their_umask() -> None:
    ana, ben = MEMBERS
    turns = [(ana, 0o022), (ben, 0o077), (ana, 0o077), (ben, 0o022)]
    # Not below pytest's own folder, which is closed to others.
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o711)
        shared = Path(folder) / "shared"
        shared.mkdir()
        os.chown(shared, -1, GROUP)
        shared.chmod(0o2770)
        command = [sys.executable, "-c", TURNS, shared, GROUP, *(f"{user}:{umask}" for user, umask in turns)]
        done = subprocess.run([*map(str, command)], cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert done.stdout.split() == ["3000", "6000", "9000", "12000"]
        for name, mode in modes(shared / "w").items():
            assert mode & 0o007 == 0, name
            assert mode & 0o060 == 0o060, name


READ = """
import os, sys, tempfile
from loop_core.clock import now
from loop_core.doctor import examine
from loop_core.errors import LoopbenchError
from loop_core.workspace import Workspace
from tests.conftest import START
folder, user = sys.argv[1], int(sys.argv[2])
def look(folder):
    with Workspace.open(folder) as workspace:
        loop = workspace.loop("orders")
        checks = examine(workspace, wall=now(), deep=True)
        print(loop.lake.rows(f"select count(*) from {loop.table('predictions')}")[0][0], [c.sentence for c in checks if c.state == "broken"])
        for act in (lambda: loop.lake.write(lambda tx: None, actor="a", message="m"), lambda: loop.ledger.append(
            kind="x", loop="orders", subject="x", actor="a", as_of=START), lambda: loop.lake.maintain("select 1")):
            try:
                act()
                print("done")
            except LoopbenchError as error:
                print(error)
with Workspace.open(folder) as workspace:
    examine(workspace, wall=now(), deep=True)
os.setgroups([])
os.setresgid(user, user, user)
os.setresuid(user, user, user)
os.environ["TMPDIR"] = tempfile.tempdir = "/tmp"
look(folder)
print("next", flush=True)
sys.stdin.readline()
look(folder)
"""


@pytest.mark.skipif(os.getuid() != 0, reason="another user: only root may become one")
def test_who_may_only_read_reads_and_every_act_is_refused_in_a_sentence() -> None:
    with tempfile.TemporaryDirectory() as place:
        Path(place).chmod(0o755)
        folder = Path(place) / "w"
        with Workspace.create(folder) as workspace:
            workspace.set_charter(CHARTER, actor="ana", reason="first", as_of=START)
            sql = f"insert into {workspace.loop('orders').table('predictions')} (prediction_id) from range(5000)"
            workspace.lake.write(lambda tx: tx.execute(sql), actor="a", message="m")
            workspace.loop("orders").lake.rows("select 1")
            for entry in (folder, *folder.rglob("*")):
                entry.chmod(0o755 if entry.is_dir() else 0o644)
            # While the owner has it open, the newest rows are in the catalogue's log alone.
            command = [sys.executable, "-c", READ, str(folder), str(MEMBERS[0])]
            reader = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            assert reader.stdout is not None
            beside = list(iter(reader.stdout.readline, "next\n"))
        alone = reader.communicate("\n")[0].splitlines()
        assert reader.returncode == 0
        for said in (beside, alone):
            assert said[0].strip() == "5000 []"
            assert len(said) == 4
            assert all("is read-only for this user" in line and str(folder) in line for line in said[1:])
