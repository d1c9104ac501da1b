"""kill -9 at random points of an ingest: every acknowledged batch exactly once, nothing half-visible."""

from __future__ import annotations

import os
import random
from pathlib import Path

import polars as pl
import pytest

from loop_core.doctor import examine
from loop_core.workspace import Loop, Workspace
from tests.conftest import START
from tests.faults.kill import Steps, steps
from tests.faults.steps import AS_OF

KILLS = 100 if os.environ.get("LOOPBENCH_FAULTS") == "long" else 5
ROWS = 2_000


def batch(folder: Path, number: int) -> str:
    file = folder / f"batch-{number}.parquet"
    pl.DataFrame(
        {
            "prediction_id": [f"{number}-{i}" for i in range(ROWS)],
            "predicted_at": [START] * ROWS,
            "price": [-1.0 if i % 100 == 0 else 1.0 for i in range(ROWS)],
            "weight": [2.0] * ROWS,
            "state": ["SP"] * ROWS,
        }
    ).write_parquet(file)
    return str(file)


def counts(loop: Loop) -> tuple[int, int, int]:
    """Rows in predictions, in quarantine, and received according to `batches`."""
    tables = [f"(select count(*) from {loop.table(name)})" for name in ("predictions", "quarantine")]
    received = f"(select coalesce(sum(received), 0)::bigint from {loop.table('batches')})"
    found = loop.lake.rows(f"select {', '.join([*tables, received])}")[0]
    return found[0], found[1], found[2]


@pytest.mark.faults
def test_every_acknowledged_batch_is_there_exactly_once(workspace: Workspace, loop: Loop, tmp_path: Path) -> None:
    with steps() as program:
        campaign(program, workspace, loop, tmp_path)
    assert len(loop.entries("batch.ingested")) == KILLS + 1
    assert [check for check in examine(workspace, wall=AS_OF) if check.state == "broken"] == []


def campaign(program: Steps, workspace: Workspace, loop: Loop, tmp_path: Path) -> None:
    rng = random.Random(0)
    whole = program.run(workspace.path, "ingest", batch(tmp_path, 0))
    assert whole.acknowledged
    died = 0
    for number in range(1, KILLS + 1):
        file = batch(tmp_path, number)
        before = counts(loop)
        outcome = program.run(workspace.path, "ingest", file, kill_after=rng.uniform(0, 1.1 * whole.seconds))
        after = counts(loop)
        died += not outcome.acknowledged
        # All of the batch or nothing of it, and all of it once it was acknowledged.
        assert after in (before, (before[0] + ROWS - ROWS // 100, before[1] + ROWS // 100, before[2] + ROWS))
        assert after != before or not outcome.acknowledged
        # Trying again completes it, without doubling what was there.
        assert program.run(workspace.path, "ingest", file).acknowledged
        assert counts(loop) == (before[0] + ROWS - ROWS // 100, before[1] + ROWS // 100, before[2] + ROWS)
    assert died > 0, "no kill hit the work; the timing of this test is off"
