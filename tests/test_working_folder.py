"""Nothing of the folder that somebody stands in is run by a process of this program."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from app.worker import worker_command
from loop_core.interpreter import import_failure, python_environment, search_path
from loop_core.jobs import JobStatus, enqueue, job
from loop_core.workspace import Workspace
from tests.retrain.synthetic import END, parcels

HOSTILE = (
    "numbers",
    "json",
    "re",
    "socket",
    "selectors",
    "polars",
    "numpy",
    "lightgbm",
    "optuna",
    "streamlit",
    "uvicorn",
    "typer",
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder whose files say so when they are run."""
    here = tmp_path / "standing"
    here.mkdir()
    for name in HOSTILE:
        (here / f"{name}.py").write_text(f"open({str(here / 'EXECUTED')!r}, 'a').write('{name} ')\n")
    return here


def run(command: list[str], folder: Path, **more: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, env=os.environ | more, timeout=300)
    executed = folder / "EXECUTED"
    assert not executed.exists(), executed.read_text()
    return done


def script(folder: Path, text: str) -> list[str]:
    """Started as the installed `loop` is: a file, whose own folder is not the one somebody stands in."""
    file = folder.parent / "bin" / "script.py"
    file.parent.mkdir()
    file.write_text(text)
    return [sys.executable, str(file)]


def test_trials_run_nothing_of_the_folder_nor_the_calling_script_again(folder: Path) -> None:
    text = """
import operator, signal
from loop_core.retrain.apart import Apart
print("started")
with Apart(3) as apart:
    print(apart.call(operator.add, 4))
with Apart(signal.SIG_BLOCK) as apart:
    print(signal.SIGINT in apart.call(signal.pthread_sigmask, []))
"""
    done = run(script(folder, text), folder)
    assert done.stdout.split() == ["started", "7", "True"], done.stderr


def test_jobs_of_the_worker_run_nothing_of_the_folder(folder: Path, workspace: Workspace) -> None:
    parcels(workspace, n=1500)
    number = enqueue(workspace, "parcels", "retrain", {"as_of": END, "trials": 1, "seconds": 200}, actor="ana")
    run([*worker_command(workspace.path), "--once"], folder, **python_environment())
    assert job(workspace, number).status is JobStatus.DONE


def test_the_app_runs_nothing_of_the_folder(folder: Path, workspace: Workspace) -> None:
    command = script(folder, "from loop_core.cli import main; main()")
    command += ["ui", "--port", "0", "--no-worker", "--workspace", str(workspace.path)]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        assert "answers at http" in server.stdout.readline()
        server.terminate()
    assert not (folder / "EXECUTED").exists()


def test_a_process_that_cannot_start_says_why(folder: Path) -> None:
    (folder.parent / "dies.py").write_text("raise RuntimeError('no such processor')")
    text = """
from loop_core.errors import NotReadyError
from loop_core.retrain.apart import Apart
with Apart(3, imports=("dies",)) as apart:
    try:
        apart.start()
    except NotReadyError as error:
        print(error)
"""
    done = run(script(folder, text), folder, PYTHONPATH=str(folder.parent))
    assert "No process for trials can be started on this machine (RuntimeError: no such processor)" in done.stdout
    assert import_failure(["loop_core.people"]) == ""


def test_an_empty_part_of_pythonpath_is_nobodys_choice(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.setenv("PYTHONPATH", os.pathsep + str(tmp_path))
    monkeypatch.setattr(sys, "path", ["", ".", str(folder), str(tmp_path)])
    assert search_path() == [str(tmp_path)]
    assert python_environment()["PYTHONPATH"] == str(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(folder))
    assert search_path() == [str(folder), str(tmp_path)], "named, so chosen"
