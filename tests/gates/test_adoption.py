"""Large deliveries enter as the files they were staged in: the same rows, in the lake's own layout."""

from __future__ import annotations

import random
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from loop_core.gates.staged import StagedFiles
from loop_core.lake import check_lake
from loop_core.vocabulary import Signal
from loop_core.workspace import Loop, Workspace
from tests.conftest import CHARTER
from tests.signals.deliveries import AS_OF, deliver

ROWS = 1_200
#: From December to February, in UTC.
FIRST = datetime(2017, 12, 31, 22, tzinfo=UTC)


def _predictions(rows: int = ROWS) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "prediction_id": [f"p{i}" for i in range(rows)],
            "predicted_at": [FIRST + timedelta(hours=i) for i in range(rows)],
            "price": [float(i) for i in range(rows)],
            "state": ["SP"] * rows,
        }
    )


def _deliver(loop: Loop, folder: Path, frame: pl.DataFrame, name: str = "a") -> tuple[int, int, int, int]:
    frame.write_parquet(folder / f"{name}.parquet")
    report = deliver(loop, Signal.PREDICTIONS, folder / f"{name}.parquet")
    return report.accepted, report.quarantined, report.unchanged, report.conflicting


def _account(loop: Loop) -> tuple[object, ...]:
    select = "count(*), count(distinct prediction_id), sum(price), min(predicted_at), count(batch_id), count(weight)"
    return loop.lake.rows(f"select {select} from {loop.table('predictions')}")[0]


def _folders(loop: Loop) -> list[str]:
    root = Path(loop.lake.location.data) / "orders" / "predictions"
    return sorted(str(file.parent.relative_to(root)) for file in root.rglob("*.parquet"))


MONTHS = ["year=2017/month=12", "year=2018/month=1", "year=2018/month=2"]


@pytest.mark.parametrize("shuffled", [False, True])
def test_staged_files_become_the_lakes(
    loop: Loop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shuffled: bool
) -> None:
    monkeypatch.setattr("loop_core.gates.writing._insert", None)  # no row is written a second time
    frame = _predictions().sample(fraction=1, shuffle=shuffled, seed=1)
    assert _deliver(loop, tmp_path, frame.with_columns(price=pl.col("price").replace(7.0, -1.0))) == (ROWS - 1, 1, 0, 0)
    assert _account(loop) == (ROWS - 1, ROWS - 1, sum(range(ROWS)) - 7, FIRST, ROWS - 1, 0)
    assert _folders(loop) == MONTHS
    since = f"select count(*) from {loop.table('predictions')} where predicted_at >= $since"
    assert loop.lake.rows(since, {"since": datetime(2018, 2, 1, tzinfo=UTC)}) == [(ROWS - 2 - 31 * 24,)]
    changes = loop.lake.changes("orders.predictions", 0, loop.lake.snapshot())
    assert changes["change_type"].unique().to_list() == ["insert"]
    report = check_lake(loop.lake)
    assert (report.damaged, report.orphans, report.unreadable) == ((), (), ())
    assert not list(loop.workspace.staging.iterdir())


def test_known_and_repeated_rows_are_not_adopted(loop: Loop, tmp_path: Path) -> None:
    assert _deliver(loop, tmp_path, _predictions()) == (ROWS, 0, 0, 0)
    more = _predictions(2 * ROWS).with_columns(price=pl.col("price").replace(7.0, 9.0)).slice(5)
    late = more.filter(pl.col("predicted_at") > AS_OF).height
    repeated = pl.concat([more, more.tail(0), more.slice(ROWS, 1)])
    assert _deliver(loop, tmp_path, repeated, "b") == (ROWS - late, late, ROWS - 5 - 1 + 1, 1)
    assert _account(loop)[:2] == (2 * ROWS - late, 2 * ROWS - late)


def test_adopted_rows_outlive_a_new_column_an_update_and_a_move(
    workspace: Workspace, loop: Loop, tmp_path: Path
) -> None:
    _deliver(loop, tmp_path, _predictions())
    text = CHARTER.replace("[[cohorts]]", '[[features]]\nname = "volume"\ntype = "number"\n[[cohorts]]', 1)
    wider = workspace.set_charter(text, actor="ana", reason="", as_of=AS_OF)
    table = loop.table("predictions")
    wider.lake.write(
        lambda tx: tx.execute(f"update {table} set volume = 1 where price < 3"), actor="ana", message="update"
    )
    workspace.lake.close()
    shutil.move(tmp_path / "w", tmp_path / "moved")
    with Workspace.open(tmp_path / "moved") as moved:
        assert moved.lake.rows(f"select count(*), count(volume), sum(price) from {table}") == [
            (ROWS, 3, sum(range(ROWS)))
        ]


def test_a_column_named_as_a_partition_folder_keeps_its_values(workspace: Workspace, tmp_path: Path) -> None:
    text = CHARTER.replace("[[cohorts]]", '[[features]]\nname = "month"\ntype = "number"\n[[cohorts]]', 1)
    loop = workspace.set_charter(text, actor="ana", reason="", as_of=AS_OF)
    assert _deliver(loop, tmp_path, _predictions().with_columns(month=pl.lit(77.0))) == (ROWS, 0, 0, 0)
    assert loop.lake.rows(f"select distinct month from {loop.table('predictions')}") == [(77.0,)]


def test_files_are_of_one_month_each_and_hold_every_row_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("loop_core.gates.staged._BUFFER_BYTES", 2_000)
    rng, files = random.Random(0), StagedFiles(tmp_path / "x-1" / "rows", "b" * 64, "at")
    times = [FIRST + timedelta(hours=rng.randrange(2_000)) for _ in range(1_000)]
    for start in range(0, len(times), 100):
        files.write(pl.DataFrame({"at": times[start : start + 100], "_row": range(start, start + 100)}))
    files.close()
    frames = [pl.read_parquet(file, hive_partitioning=False) for file in (tmp_path / "x-1").rglob("*.parquet")]
    assert all(frame["at"].dt.truncate("1mo").n_unique() == 1 for frame in frames)
    assert sorted(row for frame in frames for row in frame["_row"]) == list(range(1_000))
    assert not files.few
