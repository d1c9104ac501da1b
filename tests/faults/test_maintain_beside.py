"""Maintenance in a tight loop takes nothing from under anybody: ingest, snapshots, streams, the monitor; both catalogues."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from loop_core.workspace import Loop, Workspace
from tests.conftest import CHARTER, START
from tests.faults.beside import LEAST, rows_until

SECONDS = 120 if os.environ.get("LOOPBENCH_FAULTS") == "long" else 0
ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.faults


def judge(path: Path) -> None:
    command = [sys.executable, "-m", "tests.faults.beside", str(path), str(SECONDS)]
    ended = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=SECONDS + 900)
    assert ended.returncode == 0, ended.stderr
    result = json.loads(ended.stdout)
    assert result["errors"] == []
    assert result["rows"] == rows_until(result["done"]["ingest"]), "every acknowledged row, once"
    assert result["broken"] == []
    assert min(result["done"].values()) >= LEAST, f"nobody starves: {result['done']}"


def test_on_sqlite(loop: Loop) -> None:
    judge(loop.workspace.path)


@pytest.mark.postgres
def test_on_postgresql(database: str, tmp_path: Path) -> None:
    with Workspace.create(tmp_path / "team", catalog=database) as workspace:
        workspace.set_charter(CHARTER, actor="ana", reason="first", as_of=START)
    judge(tmp_path / "team")
