"""Maintenance keeps what others go on from."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from loop_core.clock import now
from loop_core.doctor import examine, maintain
from loop_core.lake import Transaction
from loop_core.monitor.profiles import check_profiles, refresh_profiles
from loop_core.workspace import Loop
from tests.monitor.world import fill, predictions


def add(loop: Loop, rows: pl.DataFrame) -> None:
    def body(tx: Transaction) -> None:
        tx.register("new_rows", rows.drop("chance").with_columns(model_version=pl.lit("old")))
        tx.execute(f"insert into {loop.table('predictions')} by name from new_rows")

    loop.lake.write(body, actor="ana", message="more")


def test_profiles_go_on_after_maintenance_that_keeps_nothing(loop: Loop) -> None:
    rows = predictions()
    fill(loop, rows.head(7_000))
    refresh_profiles(loop, actor="ana")
    add(loop, rows[7_000:7_500])
    # A clock that is ahead makes even the snapshots of the maintenance itself look old.
    report = maintain(loop.workspace, keep_days=0, wall=now() + timedelta(minutes=1))
    assert report.snapshots_expired > 0
    assert check_profiles(loop) == []
    add(loop, rows[7_500:])
    state = refresh_profiles(loop, actor="ana")
    assert (state.rows, state.rebuilt) == (500, False)
    assert check_profiles(loop) == []
    assert [check for check in examine(loop.workspace, wall=now()) if check.state == "broken"] == []


@pytest.mark.parametrize("damage", ["gone", "cut off"])
def test_a_damaged_file_is_named_and_the_other_checks_are_still_made(loop: Loop, damage: str) -> None:
    add(loop, predictions().head(500))
    names = {check.check for check in examine(loop.workspace, wall=now())}
    file = next(Path(loop.lake.location.data).rglob("predictions/**/*.parquet"))
    if damage == "gone":
        file.unlink()
    else:
        file.write_bytes(file.read_bytes()[:-100])
    checks = examine(loop.workspace, wall=now())
    broken = [check for check in checks if check.state == "broken"]
    assert any(
        file.name in check.sentence and "backup" in check.todo for check in broken if check.check == "lake files"
    )
    assert {"ledger integrity", "ledger completeness", "orders: charter", "orders: champion", "messages"} <= {
        check.check for check in checks
    } & names
