"""A file of the lake that is not as it was written: found, with whose rows are in it, by every look that can see it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from loop_core.clock import now
from loop_core.doctor import examine, maintain
from loop_core.errors import DamagedFileError
from loop_core.gates import ingest
from loop_core.gates.report import BatchReport
from loop_core.gates.retraction import retract
from loop_core.signals import read_source
from loop_core.vocabulary import Signal
from loop_core.workspace import Loop, Workspace
from tests.conftest import CHARTER, START

ROWS = 8_000


def deliver(loop: Loop, folder: Path, name: str) -> BatchReport:
    """A file of predictions → the loop, once or again."""
    rows = [f"{name}{k},2018-01-05T00:00:00Z,{k * 0.37:.3f}" for k in range(ROWS)]
    file = folder / f"{name}.csv"
    file.write_text("\n".join(["prediction_id,predicted_at,price", *rows]) + "\n")
    when = datetime(2018, 2, 1, tzinfo=UTC)
    return ingest(loop, Signal.PREDICTIONS, read_source(str(file)), actor="ana", as_of=when)


def files(loop: Loop, table: str = "predictions") -> list[Path]:
    return sorted(Path(loop.lake.location.data).rglob(f"{table}/**/*.parquet"))


def flip(file: Path, place: float) -> None:
    """One bit at a place, as a share of the file's length. Its size and date stay."""
    content, date = bytearray(file.read_bytes()), file.stat().st_mtime_ns
    content[int(len(content) * place)] ^= 1
    file.write_bytes(content)
    os.utime(file, ns=(date, date))


def broken(loop: Loop, *, deep: bool) -> list[str]:
    return [check.sentence for check in examine(loop.workspace, wall=now(), deep=deep) if check.check == "lake files" and check.state == "broken"]  # fmt: skip


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def filled(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Loop]:
    """`orders` with the batch a.csv, on either catalogue."""
    catalog = request.getfixturevalue("database") if request.param == "postgresql" else None
    with Workspace.create(tmp_path / "w", catalog=catalog) as workspace:
        loop = workspace.set_charter(CHARTER, actor="ana", reason="first", as_of=START)
        deliver(loop, tmp_path, "a")
        yield loop


def test_a_byte_that_changed_anywhere_is_found_and_a_swapped_file_by_the_ordinary_doctor(filled: Loop) -> None:
    assert broken(filled, deep=True) == []
    (file,) = files(filled)
    whole = file.read_bytes()
    flip(file, 0.1)
    assert broken(filled, deep=False) == [], "in the middle of a larger file: only a look at everything sees it"
    (sentence,) = broken(filled, deep=True)
    assert file.name in sentence
    assert "predictions from a.csv" in sentence
    file.write_bytes(whole[:-200] + bytes(200))
    assert file.name in broken(filled, deep=False)[0]


def test_maintenance_passes_no_damage_on_and_vouches_for_what_it_merges(filled: Loop, tmp_path: Path) -> None:
    deliver(filled, tmp_path, "b")
    first = files(filled)[0]
    flip(first, 0.1)
    with pytest.raises(DamagedFileError, match="nothing was done"):
        maintain(filled.workspace, keep_days=30, wall=now())
    flip(first, 0.1)
    maintain(filled.workspace, keep_days=0, wall=now())
    (merged,) = [file for file in filled.lake.fingerprints.files() if file.table == "predictions"]
    assert len(merged.batches) == 2
    flip(Path(merged.path), 0.1)
    (sentence,) = broken(filled, deep=True)
    assert "a.csv" in sentence
    assert "b.csv" in sentence


def test_files_of_before_are_vouched_for_from_maintenance_on(loop: Loop, tmp_path: Path) -> None:
    deliver(loop, tmp_path, "a")
    loop.lake.configure("drop table __ducklake_metadata_lake.loopbench_files")
    said = [check.sentence for check in examine(loop.workspace, wall=now()) if check.check == "lake files"]
    assert any("no hash yet" in sentence for sentence in said)
    with Workspace.open(loop.workspace.path) as again:
        maintain(again, keep_days=30, wall=now())
        said = [check.sentence for check in examine(again, wall=now(), deep=True) if check.check == "lake files"]
    assert "vouched for only since" in said[0]


def count(loop: Loop) -> int:
    rows: int = loop.lake.rows(f"select count(*) from {loop.table('predictions')}")[0][0]
    return rows


@pytest.mark.parametrize("damage", ["gone", "flipped"])
def test_the_same_file_again_brings_back_what_a_damaged_file_took(filled: Loop, tmp_path: Path, damage: str) -> None:
    deliver(filled, tmp_path, "b")
    maintain(filled.workspace, keep_days=0, wall=now())
    (merged,) = files(filled)
    if damage == "gone":
        merged.unlink()
    else:
        flip(merged, 0.1)
    report = deliver(filled, tmp_path, "a")
    assert (report.state, report.accepted, count(filled)) == ("taken_again", ROWS, ROWS)
    assert merged.name in report.sentence
    (lacks,) = [check for check in examine(filled.workspace, wall=now(), deep=True) if check.state == "broken"]
    assert (f"{ROWS:,} accepted predictions from b.csv" in lacks.sentence, "loop ingest" in lacks.todo) == (True, True)
    assert deliver(filled, tmp_path, "b").accepted == ROWS
    assert count(filled) == 2 * ROWS
    assert deliver(filled, tmp_path, "a").state == deliver(filled, tmp_path, "b").state == "already_ingested"
    maintain(filled.workspace, keep_days=0, wall=now())
    assert [check for check in examine(filled.workspace, wall=now(), deep=True) if check.state == "broken"] == []
    told = [entry.payload for entry in filled.entries("batch.ingested")]
    assert [("taken again" in payload["notes"], payload["accepted"]) for payload in told] == [(False, ROWS)] * 2 + [(True, ROWS)] * 2  # fmt: skip


def test_a_batch_that_only_the_record_knows_enters_again_and_one_in_a_damaged_file_can_be_retracted(
    loop: Loop, tmp_path: Path
) -> None:
    deliver(loop, tmp_path, "a")
    loop.lake.write(
        lambda tx: [tx.execute(f"delete from {loop.table(table)}") for table in ("predictions", "batches")],
        actor="ana",
        message="as an older backup has it",
    )
    report = deliver(loop, tmp_path, "a")
    assert (report.state, report.accepted, count(loop)) == ("ingested", ROWS, ROWS)
    assert "taken again" in loop.entries("batch.ingested")[-1].payload["notes"]
    assert deliver(loop, tmp_path, "a").state == "already_ingested"
    assert len(loop.entries("batch.ingested")) == 2
    for file in files(loop):
        file.unlink()
    assert retract(loop, report.batch_id, actor="ana", as_of=START, reason="its file is gone").state == "retracted"
    assert count(loop) == 0


def test_when_rows_happened_is_known_without_their_files(loop: Loop, tmp_path: Path) -> None:
    """Where a log lies on the calendar is asked for by nearly every number: a damaged file must not cost them all."""
    begin = datetime(2018, 1, 1, tzinfo=UTC)
    for month, version in ((1, "v1"), (2, "v1"), (3, "v2"), (4, "v2"), (6, "v2")):
        days = (begin.replace(month=month, day=1 + k % 28, hour=k % 24) for k in range(560))
        rows = [f"{month}-{k},{day.isoformat()},1,0.5,{version}" for k, day in enumerate(days)]
        file = tmp_path / f"{month}.csv"
        file.write_text("\n".join(["prediction_id,predicted_at,price,score,model_version", *rows]) + "\n")
        ingest(loop, Signal.PREDICTIONS, read_source(str(file)), actor="ana", as_of=begin.replace(month=8))

    def places(loop: Loop) -> list[object]:
        return [loop.span(), loop.busy_since(), loop.busy_since("v1"), loop.busy_since("v2")]

    loop.workspace.lake.write(lambda tx: tx.execute("call ducklake_flush_inlined_data('lake')"), actor="a", message="")
    before = places(loop)
    for damaged in files(loop)[1], files(loop)[3]:
        damaged.write_bytes(b"PAR1")
        with Workspace.open(loop.workspace.path) as ws:
            again = ws.loop(loop.name)
            assert places(again) == before
            with again.lake.one_snapshot():
                assert places(again) == before
                assert again.lake.rows(f"select count(*) from {again.table('batches')}") == [(5,)]
            with pytest.raises(DamagedFileError):
                again.lake.rows(f"select sum(price) from {again.table('predictions')}")
