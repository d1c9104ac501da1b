"""A disk that is full, and one that is read-only: said clearly, nothing half-written. Needs the right to mount."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from loop_core.doctor import examine
from loop_core.errors import StorageError
from loop_core.gates import ingest
from loop_core.signals import read_source
from loop_core.vocabulary import Signal
from loop_core.workspace import Workspace
from tests.conftest import START
from tests.faults.steps import AS_OF


@pytest.fixture
def disk(tmp_path: Path, templates: Path) -> Iterator[Path]:
    """A workspace with the loop `orders` on a disk of 12 MB of its own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", str(folder)], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip(f"cannot mount a small disk: {mounted.stderr.decode().strip()}")
    shutil.copytree(templates / "loop", folder / "w")
    yield folder / "w"
    subprocess.run(["umount", "-l", str(folder)], check=True)


def big_file(folder: Path) -> str:
    """More random numbers than the disk holds."""
    n = 1_500_000
    file = folder / "big.parquet"
    columns = {
        "prediction_id": np.arange(n).astype(str),
        "predicted_at": [START] * n,
        "price": np.random.default_rng(0).random(n),
    }
    pl.DataFrame(columns).with_columns(weight=pl.col("price").shuffle(seed=1)).write_parquet(file)
    return str(file)


@pytest.mark.faults
def test_a_full_disk_is_said_and_nothing_is_half_written(disk: Path, tmp_path: Path) -> None:
    with Workspace.open(disk) as workspace:
        loop = workspace.loop("orders")
        with pytest.raises(StorageError, match=r"(?i)full|space|written"):
            ingest(loop, Signal.PREDICTIONS, read_source(big_file(tmp_path)), actor="ana", as_of=AS_OF)
        assert loop.lake.rows(f"select count(*) from {loop.table('predictions')}") == [(0,)]
        assert loop.lake.rows(f"select count(*) from {loop.table('batches')}") == [(0,)]
        assert list(workspace.staging.iterdir()) == []
        small = tmp_path / "small.csv"
        small.write_text("prediction_id,predicted_at,price\na,2018-01-01T00:00:00Z,1\n")
        assert ingest(loop, Signal.PREDICTIONS, read_source(str(small)), actor="ana", as_of=AS_OF).accepted == 1
        assert [check for check in examine(workspace, wall=AS_OF) if check.state == "broken"] == []


@pytest.mark.faults
def test_a_read_only_disk_is_said(disk: Path, tmp_path: Path) -> None:
    small = tmp_path / "small.csv"
    small.write_text("prediction_id,predicted_at,price\na,2018-01-01T00:00:00Z,1\n")
    subprocess.run(["mount", "-o", "remount,ro", str(disk.parent)], check=True)
    with pytest.raises(StorageError, match=r"(?i)read-only|permissions"), Workspace.open(disk) as workspace:
        ingest(workspace.loop("orders"), Signal.PREDICTIONS, read_source(str(small)), actor="ana", as_of=AS_OF)


@pytest.mark.faults
def test_on_a_full_disk_reading_goes_on_and_acts_are_refused(disk: Path) -> None:
    with (disk.parent / "rest").open("wb", buffering=0) as rest, suppress(OSError):
        while True:
            rest.write(b"x" * 1024)
    with Workspace.open(disk) as workspace:
        loop = workspace.loop("orders")
        assert loop.lake.rows(f"select count(*) from {loop.table('predictions')}") == [(0,)]
        assert [check for check in examine(workspace, wall=AS_OF, deep=True) if check.state == "broken"] == []
        with pytest.raises(StorageError, match=r"The disk of .* is full, so nothing in it can be changed"):
            loop.ledger.append(kind="x", loop="orders", subject="x", actor="ana", as_of=START)
        assert not workspace.is_stale()
        (disk.parent / "rest").unlink()
        assert workspace.is_stale(), "to be opened again, and written to"
