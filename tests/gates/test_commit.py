"""Deliveries that overlap and arrive at once: every id enters once, on either kind of lake."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from loop_core.gates import BatchReport
from loop_core.vocabulary import Signal
from loop_core.workspace import Workspace
from tests.conftest import CHARTER, START
from tests.signals.deliveries import deliver, prediction, write_csv


def _at_once(folder: Path, catalog: str | None) -> None:
    """Four overlapping files and one of them again, each from a workspace handle of its own."""
    with Workspace.create(folder / "w", catalog=catalog) as workspace:
        loop = workspace.set_charter(CHARTER, actor="ana", reason="", as_of=START)
        files = [write_csv(folder / f"{i}.csv", [prediction(j) for j in range(i, i + 10)]) for i in range(4)]

        def bring(file: Path) -> BatchReport:
            with Workspace.open(folder / "w") as own:
                return deliver(own.loop("orders"), Signal.PREDICTIONS, file)

        with ThreadPoolExecutor(5) as threads:
            reports = list(threads.map(bring, [*files, files[0]]))
        assert sum(report.accepted for report in reports) == 13
        assert loop.lake.rows(f"select count(*), count(distinct prediction_id) from {loop.table('predictions')}") == [
            (13, 13)
        ]
        assert len(loop.entries("batch.ingested")) == 4
        assert loop.ledger.verify().broken_at is None


def test_overlapping_files_at_once(tmp_path: Path) -> None:
    _at_once(tmp_path, None)


@pytest.mark.postgres
def test_overlapping_files_at_once_on_postgres(tmp_path: Path, database: str) -> None:
    _at_once(tmp_path, database)
