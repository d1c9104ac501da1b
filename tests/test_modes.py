"""Who may read a workspace: its owner alone, or where its folder is a group's, the group; whatever anybody's umask."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from loop_core.workspace import Workspace
from tests.conftest import CHARTER, START

ROOT = Path(__file__).parents[1]
#: Two members of one group, as numbers that nobody has.
GROUP, MEMBERS = 61_000, (61_001, 61_002)


def modes(folder: Path) -> dict[str, int]:
    found = [folder, *folder.rglob("*")]
    return {str(entry.relative_to(folder)): stat.S_IMODE(entry.stat().st_mode) for entry in found}


def test_a_workspace_is_its_owners_alone(tmp_path: Path) -> None:
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


STEP = """
import os, sys, tempfile
from datetime import UTC, datetime
from loop_core.gates import ingest
from loop_core.signals import read_source
from loop_core.vocabulary import Signal
from loop_core.workspace import Workspace
from tests.conftest import CHARTER, START
folder, name, user, group, umask = sys.argv[1], sys.argv[2], *map(int, sys.argv[3:])
def work(folder, name, make):
    rows = [f"{name}{k},2018-01-05T00:00:00Z,{k}" for k in range(3000)]
    with open(f"{folder}/{name}.csv", "w") as file:
        file.write("\\n".join(["prediction_id,predicted_at,price", *rows]) + "\\n")
    with make(f"{folder}/w") as workspace:
        if make == Workspace.create:
            workspace.set_charter(CHARTER, actor="ana", reason="first", as_of=START)
        loop, source = workspace.loop("orders"), read_source(f"{folder}/{name}.csv")
        ingest(loop, Signal.PREDICTIONS, source, actor=name, as_of=datetime(2018, 2, 1, tzinfo=UTC))
        return loop.lake.rows(f"select count(*) from {loop.table('predictions')}")[0][0]
# Once as root, so that everything is imported: Python itself may lie where nobody else may read.
with tempfile.TemporaryDirectory() as warm:
    work(warm, name, Workspace.create)
os.setgroups([group])
os.setresgid(group, group, group)
os.setresuid(user, user, user)
os.umask(umask)
print(work(folder, name, Workspace.create if name == "p" else Workspace.open))
"""


def step(user: int, umask: int, folder: Path, name: str) -> str:
    command = [sys.executable, "-c", STEP, folder, name, user, GROUP, umask]
    done = subprocess.run([*map(str, command)], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.skipif(os.getuid() != 0, reason="two users of one group: only root may become both")
@pytest.mark.parametrize("umask", [0o022, 0o077])
def test_two_users_of_one_group_work_in_one_folder(umask: int) -> None:
    # Not below pytest's own folder, which is closed to others.
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o711)
        _take_turns(Path(folder) / "shared", umask)


def _take_turns(shared: Path, umask: int) -> None:
    shared.mkdir()
    os.chown(shared, -1, GROUP)
    shared.chmod(0o2770)
    assert step(MEMBERS[0], umask, shared, "p") == "3000"
    assert step(MEMBERS[1], umask, shared, "q") == "6000"
    assert step(MEMBERS[0], umask, shared, "r") == "9000"
    for name, mode in modes(shared / "w").items():
        assert mode & 0o007 == 0, name
        assert mode & 0o060 == 0o060, name
