"""App with browser, worker, two notebooks and a CLI ingest on one workspace: nothing fails, no row is lost."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest
from playwright.sync_api import Browser, expect

from loop_core.doctor import examine
from loop_core.jobs import enqueue, list_jobs
from loop_core.workspace import Loop, Workspace
from tests.browser.conftest import serving
from tests.conftest import CHARTER, START
from tests.faults.steps import AS_OF

LONG = os.environ.get("LOOPBENCH_FAULTS") == "long"
SECONDS = 120 if LONG else 2
ROOT = Path(__file__).parents[2]
ROWS = 500
PAGES = ("signals", "drift", "feedback", "ledger", "")


def ingest(folder: Path, number: int, files: Path) -> None:
    """`loop ingest` of one file, in a process of its own."""
    file = files / f"{number}.parquet"
    when = [START + timedelta(minutes=20 * (number * ROWS + i)) for i in range(ROWS)]
    columns = {
        "prediction_id": [f"{number}-{i}" for i in range(ROWS)],
        "predicted_at": when,
        "price": [float(i) for i in range(ROWS)],
    }
    pl.DataFrame(columns).with_columns(state=pl.lit("SP")).write_parquet(file)
    command = [
        sys.executable,
        "-c",
        "from loop_core.cli import main; main()",
        "ingest",
        "orders",
        "predictions",
        str(file),
    ]
    done = subprocess.run(
        [*command, "--workspace", str(folder), "--as-of", AS_OF.isoformat()], capture_output=True, text=True, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr


@contextmanager
def notebook(folder: Path) -> Iterator[None]:
    """A process that reads until the time is up; it must have read, and nothing may have failed."""
    command = [sys.executable, "-m", "tests.faults.reader", str(folder), str(SECONDS)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT)
    yield
    out, err = process.communicate(timeout=SECONDS + 120)
    assert process.returncode == 0, err
    assert int(out) > 0


def all_at_once(workspace: Workspace, loop: Loop, files: Path, browser: Browser) -> int:
    """Everything for `SECONDS` → batches acknowledged."""
    batches, until = 0, time.monotonic() + SECONDS
    with ExitStack() as stack:
        address = stack.enter_context(serving(workspace.path))
        for _ in range(2):
            stack.enter_context(notebook(workspace.path))
        page = stack.enter_context(browser.new_page())
        while time.monotonic() < until or batches < 2:
            enqueue(workspace, loop.name, "cycle", {"as_of": (START + timedelta(days=batches + 1)).isoformat()}, "ana")
            page.goto(f"{address}/{PAGES[batches % len(PAGES)]}")
            ingest(workspace.path, batches, files)
            batches += 1
            expect(page.get_by_test_id("stMain")).to_be_visible(timeout=60_000)
            expect(page.get_by_text("locked")).to_have_count(0)
            expect(page.get_by_test_id("stException")).to_have_count(0)
        while any(job.status in ("queued", "running") for job in list_jobs(workspace)):
            time.sleep(0.2)
    return batches


def judge(workspace: Workspace, loop: Loop, batches: int) -> None:
    assert batches > 1
    assert loop.lake.rows(f"select count(*) from {loop.table('predictions')}") == [(batches * ROWS,)]
    assert len(loop.entries("batch.ingested")) == batches
    assert [(job.status, job.error) for job in list_jobs(workspace, limit=1000) if job.status != "done"] == []
    assert len(loop.entries("cycle.ran")) == batches
    assert [check for check in examine(workspace, wall=AS_OF) if check.state == "broken"] == []


pytestmark = [pytest.mark.faults, pytest.mark.browser]


def test_on_sqlite(workspace: Workspace, loop: Loop, tmp_path: Path, browser: Browser) -> None:
    judge(workspace, loop, all_at_once(workspace, loop, tmp_path, browser))


@pytest.mark.skipif(not LONG, reason="half a minute; with LOOPBENCH_FAULTS=long, as in `make faults`")
@pytest.mark.postgres
def test_on_postgresql(database: str, tmp_path: Path, browser: Browser) -> None:
    with Workspace.create(tmp_path / "team", catalog=database) as workspace:
        loop = workspace.set_charter(CHARTER, actor="ana", reason="first", as_of=START)
        judge(workspace, loop, all_at_once(workspace, loop, tmp_path, browser))
