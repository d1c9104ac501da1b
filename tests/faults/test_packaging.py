"""A retrain that is killed, or meets a full disk, just when its model is packaged: there is a whole model or none."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from loop_core.doctor import examine
from loop_core.errors import StorageError
from loop_core.models import ModelStore, registered
from loop_core.retrain import Budget, live_search, retrain
from loop_core.workspace import Loop, Workspace
from tests.retrain.synthetic import END, parcels

BUDGET = Budget(3, 600)
PACKAGE = """
import sys, time
from loop_core.retrain import Budget, fit, retrain
from loop_core.workspace import Workspace
from tests.retrain.synthetic import END

def never(*args, **options):
    print("packaged", flush=True)
    time.sleep(600)

fit.register = never
with Workspace.open(sys.argv[1]) as workspace:
    retrain(workspace.loop("parcels"), as_of=END, actor="ana", seed=0, budget=Budget(3, 600))
"""


@pytest.mark.faults
def test_a_kill_between_package_and_registration_leaves_no_half_model(workspace: Workspace) -> None:
    loop, root = parcels(workspace, n=1500), Path(__file__).parents[2]
    with subprocess.Popen([sys.executable, "-c", PACKAGE, workspace.path], stdout=subprocess.PIPE, cwd=root) as program:
        assert program.stdout is not None
        assert program.stdout.readline() == b"packaged\n"
        program.kill()
    (orphan,) = ModelStore(workspace).versions()
    assert registered(loop, END) == []
    assert broken(workspace) == []
    assert run(loop) == orphan, "the same request ends in the same model"
    assert [view.version for view in registered(loop, END)] == [orphan]


@pytest.mark.faults
def test_a_disk_that_is_full_when_the_model_is_packaged(small_disk: Path) -> None:
    filler = small_disk.parent / "filler"

    def fill(share: float, sentence: str) -> None:
        if sentence.startswith("Fitting the best"):
            with filler.open("wb", buffering=0) as file:
                try:
                    while file.write(bytes(65536)):
                        pass
                except OSError:
                    return

    with Workspace.open(small_disk) as workspace:
        loop = workspace.loop("parcels")
        with pytest.raises(StorageError, match=r"(?i)space|full"):
            retrain(loop, as_of=END, actor="ana", seed=0, budget=BUDGET, progress=fill)
        assert ModelStore(workspace).versions() == ()
        assert registered(loop, END) == []
        filler.unlink()
        before = live_search(loop, END, seed=0, budget=BUDGET)
        assert before is not None
        assert len(before.trials) == BUDGET.trials, "the finished trials are kept"
        assert run(loop) in ModelStore(workspace).versions()
        after = live_search(loop, END, seed=0, budget=BUDGET)
        assert after is not None
        assert after.trials == before.trials
        assert broken(workspace) == []


@pytest.fixture
def small_disk(workspace: Workspace, tmp_path: Path) -> Iterator[Path]:
    """A workspace with the loop `parcels` on a disk of its own."""
    parcels(workspace, n=1500)
    workspace.close()
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(folder)], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip(f"cannot mount a small disk: {mounted.stderr.decode().strip()}")
    shutil.copytree(workspace.path, folder / "w")
    yield folder / "w"
    subprocess.run(["umount", "-l", str(folder)], check=True)


def run(loop: Loop) -> str:
    return retrain(loop, as_of=END, actor="ana", seed=0, budget=BUDGET).version


def broken(workspace: Workspace) -> list[str]:
    return [check.sentence for check in examine(workspace, wall=END) if check.state == "broken"]
