from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from loop_core.errors import StorageError
from loop_core.lake import check_lake, maintain_lake
from loop_core.workspace import Loop
from tests.conftest import START

SOON = datetime.now(UTC) + timedelta(days=1)


def fill(loop: Loop, commits: int) -> None:
    for i in range(commits):
        loop.lake.write(
            lambda tx, i=i: tx.execute(  # type: ignore[misc]
                f"insert into {loop.table('predictions')} (prediction_id, predicted_at) select $i || '-' || n, $when from range(200) t(n)",
                {"i": str(i), "when": START},
            ),
            actor="ana",
            message=f"commit {i}",
        )


def test_maintenance_merges_files_and_keeps_every_row_and_pinned_snapshots(loop: Loop) -> None:
    fill(loop, 3)
    pinned = loop.lake.snapshot()
    fill_more = {"when": START}
    loop.lake.write(
        lambda tx: tx.execute(
            f"delete from {loop.table('predictions')} where predicted_at = $when and prediction_id like '0-%'",
            fill_more,
        ),
        actor="ana",
        message="delete",
    )
    report = maintain_lake(loop.lake, pinned={pinned}, older_than=SOON)
    assert report.snapshots_pinned == 1
    assert report.snapshots_expired > 0
    table = loop.table("predictions")
    assert loop.lake.rows(f"select count(*) from {table}") == [(400,)]
    assert loop.lake.rows(f"select count(*) from {table} at (version => {pinned})") == [(600,)]
    assert check_lake(loop.lake).damaged == ()


def test_check_names_missing_files_and_orphans(loop: Loop) -> None:
    fill(loop, 1)
    files = sorted(Path(loop.lake.location.data).rglob("*.parquet"))
    assert check_lake(loop.lake).damaged == ()
    stray = files[0].with_name("ducklake-stray.parquet")
    stray.write_bytes(files[0].read_bytes())
    assert [Path(name).name for name in check_lake(loop.lake).orphans] == ["ducklake-stray.parquet"]
    stray.unlink()
    files[0].unlink()
    report = check_lake(loop.lake)
    assert [Path(found.path).name for found in report.damaged] == [files[0].name]


def test_work_pinned_to_a_snapshot_that_maintenance_removed_is_told_so(loop: Loop) -> None:
    fill(loop, 1)
    pinned = loop.lake.snapshot()
    fill(loop, 1)
    maintain_lake(loop.lake, pinned=(), older_than=SOON)
    with pytest.raises(StorageError, match=f"Snapshot {pinned} .* removed by maintenance"):
        loop.lake.rows(f"select count(*) from {loop.table('predictions')} at (version => {pinned})")
