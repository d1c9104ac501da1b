"""Files of scores are batches: listed, retracted, restored by the same file, and recorded after a kill."""

from __future__ import annotations

import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from loop_core.doctor import examine, maintain
from loop_core.errors import NotReadyError
from loop_core.gates import BatchReport, ingest_scores, repair, retract
from loop_core.gates.scores import log_scores
from loop_core.layout import FORMAT
from loop_core.models import register_logged
from loop_core.monitor.intake import batches
from loop_core.signals import read_source
from loop_core.vocabulary import Delivery, Signal
from loop_core.workspace import Loop, Workspace
from tests.lake.test_damage import flip
from tests.signals.deliveries import AS_OF, contents, deliver, prediction, write_csv

ACT = {"actor": "ana", "as_of": AS_OF}
WRONG = {**ACT, "reason": "the wrong model"}


@pytest.fixture
def predicted(loop: Loop, tmp_path: Path) -> Loop:
    deliver(loop, Signal.PREDICTIONS, write_csv(tmp_path / "p.csv", [prediction(i, score=0.5) for i in range(20)]))
    return loop


def bring(loop: Loop, folder: Path, name: str, later: int = 0, **scores: float) -> BatchReport:
    """A file `name` of scores, by id."""
    path = write_csv(folder / f"{name}.csv", [{"prediction_id": id_, "score": said} for id_, said in scores.items()])
    as_of = AS_OF + timedelta(days=later)
    return ingest_scores(loop, read_source(str(path)), "next", actor="ana", as_of=as_of)


def said(loop: Loop) -> dict[str, float]:
    return dict(loop.lake.rows(f"select prediction_id, score from {loop.table('scores')} order by 1"))


def broken(loop: Loop) -> list[str]:
    return [c.sentence for c in examine(loop.workspace, wall=AS_OF, deep=True) if c.state == "broken"]


def test_they_are_listed_recorded_and_taken_out(predicted: Loop, tmp_path: Path) -> None:
    report = bring(predicted, tmp_path, "a", p1=0.1, p2=0.2)
    line = next(line for line in batches(predicted, AS_OF) if line.signal is Delivery.SCORES)
    assert (line.batch_id, line.source, line.model_version, line.accepted) == (report.batch_id, "a.csv", "next", 2)
    payload = predicted.entries("batch.ingested")[-1].payload
    assert (payload["signal"], payload["model_version"], payload["accepted"]) == ("scores", "next", 2)
    register_logged(predicted, "next", **ACT)
    done = retract(predicted, report.batch_id[:8], **WRONG)
    assert done.sentence == "2 scores of next from a.csv are out of the lake."
    assert said(predicted) == {}
    assert predicted.entries("batch.retracted")[-1].payload["model_version"] == "next"
    with pytest.raises(NotReadyError, match="no score of 'next'"):
        register_logged(predicted, "next", **ACT)
    again = bring(predicted, tmp_path, "a", p1=0.1, p2=0.2)
    assert (again.state, again.accepted, again.batch_id) == ("ingested", 2, report.batch_id)
    assert len(predicted.entries("batch.ingested")) == 3
    assert broken(predicted) == []


def test_the_same_file_changes_nothing_whenever_it_comes(predicted: Loop, tmp_path: Path) -> None:
    bring(predicted, tmp_path, "a", p1=0.1, unheard=0.2)
    before, entries = contents(predicted, "scores"), predicted.ledger.length()
    again = bring(predicted, tmp_path, "a", later=9, p1=0.1, unheard=0.2)
    assert (again.state, again.accepted, again.unchanged) == ("already_ingested", 0, 2)
    assert (contents(predicted, "scores"), predicted.ledger.length()) == (before, entries)
    # With another score beside, the batch is another one, of which one score is new.
    more = bring(predicted, tmp_path, "b", later=9, p1=0.1, unheard=0.2, p2=0.3)
    assert (more.accepted, more.unchanged) == (1, 2)
    assert set(before) < set(contents(predicted, "scores"))


def test_when_a_score_was_given_is_part_of_it(loop: Loop) -> None:
    frame = pl.DataFrame({"prediction_id": ["a"], "score": [0.1], "scored_at": [AS_OF]})
    later = frame.with_columns(pl.col("scored_at") + timedelta(days=1))
    assert [log_scores(loop, "next", one, **ACT).accepted for one in (frame, later, later)] == [1, 1, 0]
    assert loop.lake.rows(f"select scored_at from {loop.table('scores')}") == [(AS_OF + timedelta(days=1),)]
    assert len(loop.entries("batch.ingested")) == 2


def test_what_comes_back_is_a_batch_of_its_own_and_gives_way_again(predicted: Loop, tmp_path: Path) -> None:
    first = bring(predicted, tmp_path, "a", p1=0.1, p2=0.2)
    second = bring(predicted, tmp_path, "b", p1=0.9)
    third = bring(predicted, tmp_path, "a", p1=0.1, p2=0.2)
    assert [(one.state, one.accepted, one.unchanged) for one in (first, second, third)] == [
        ("ingested", 2, 0),
        ("ingested", 1, 0),
        ("ingested", 1, 1),
    ]
    assert len({one.batch_id for one in (first, second, third)}) == 3
    scores = [e.payload["batch_id"] for e in predicted.entries("batch.ingested") if e.payload["signal"] == "scores"]
    assert scores == [first.batch_id, second.batch_id, third.batch_id]
    assert bring(predicted, tmp_path, "a", p1=0.1, p2=0.2).state == "already_ingested"
    done = retract(predicted, third.batch_id, **WRONG)
    assert (done.rows, done.restored, said(predicted)) == (1, 1, {"p1": 0.9, "p2": 0.2})
    done = retract(predicted, second.batch_id, **WRONG)
    assert (done.rows, done.restored, said(predicted)) == (1, 1, {"p1": 0.1, "p2": 0.2})
    assert broken(predicted) == []


def test_taken_out_twice_it_gives_way_to_what_stood_there_the_second_time(predicted: Loop, tmp_path: Path) -> None:
    bring(predicted, tmp_path, "a", p1=0.1)
    batch = bring(predicted, tmp_path, "b", p1=0.9).batch_id
    retract(predicted, batch, **WRONG)
    bring(predicted, tmp_path, "c", p1=0.4)
    assert bring(predicted, tmp_path, "b", p1=0.9).batch_id == batch
    assert retract(predicted, batch, **WRONG).restored == 1
    assert said(predicted) == {"p1": 0.4}


def test_scores_of_no_batch_stay_and_stand_again(predicted: Loop, tmp_path: Path) -> None:
    table = predicted.table("scores")
    sql = f"insert into {table} (prediction_id, model_version, score, scored_at) values ('p1', 'next', 0.1, $as_of), ('p2', 'next', 0.2, $as_of)"
    predicted.lake.write(lambda tx: tx.execute(sql, {"as_of": AS_OF}), actor="ana", message="of before")
    retract(predicted, bring(predicted, tmp_path, "x", p5=0.5).batch_id, **WRONG)
    report = bring(predicted, tmp_path, "a", p1=0.1, p2=0.9, p3=0.3)
    assert (report.accepted, report.unchanged) == (2, 1)
    assert retract(predicted, report.batch_id, **WRONG).restored == 1
    assert said(predicted) == {"p1": 0.1, "p2": 0.2}
    assert broken(predicted) == []


KILLED = """
import os, signal, sys
from loop_core.gates import ingest_scores
from loop_core.ledger import Ledger
from loop_core.signals import read_source
from loop_core.workspace import Workspace
from tests.signals.deliveries import AS_OF
Ledger.append = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)
ingest_scores(Workspace.open(sys.argv[1]).loop("orders"), read_source(sys.argv[2]), "next", actor="ana", as_of=AS_OF)
"""


def test_killed_between_commit_and_entry_the_next_ingest_writes_it(predicted: Loop, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.csv", [{"prediction_id": "p1", "score": 0.1}])
    command = [sys.executable, "-c", KILLED, str(predicted.workspace.path), str(path)]
    assert subprocess.run(command, cwd=Path(__file__).parents[2], check=False).returncode == -9
    assert said(predicted) == {"p1": 0.1}
    notes = [c.sentence for c in examine(predicted.workspace, wall=AS_OF) if c.state == "note"]
    assert "1 batches wait for their ledger entry" in notes
    deliver(predicted, Signal.PREDICTIONS, write_csv(tmp_path / "q.csv", [prediction(99)]))
    (entry,) = [e for e in predicted.entries("batch.ingested") if e.payload["signal"] == "scores"]
    assert (entry.payload["accepted"], entry.payload["model_version"]) == (1, "next")
    assert bring(predicted, tmp_path, "a", p1=0.1).state == "already_ingested"


@pytest.mark.parametrize("damage", ["gone", "flipped"])
def test_the_same_file_brings_back_what_a_damaged_one_took(predicted: Loop, tmp_path: Path, damage: str) -> None:
    n = 4_000
    frame = pl.DataFrame({"prediction_id": [f"p{i}" for i in range(n)], "score": [i / n for i in range(n)]})
    first = log_scores(predicted, "next", frame, source="a", **ACT)
    log_scores(predicted, "next", frame[:10].with_columns(score=0.5), source="b", **ACT)
    there = contents(predicted, "scores")
    (file,) = [f for f in Path(predicted.lake.location.data).rglob("scores/**/*.parquet") if f.stat().st_size > 9_000]
    flip(file, 0.3) if damage == "flipped" else file.unlink()
    assert any(f"scores from a (batch {first.batch_id[:12]})" in sentence for sentence in broken(predicted))
    again = log_scores(predicted, "next", frame, source="a", **ACT)
    assert (again.state, again.accepted, again.unchanged) == ("taken_again", n - 10, 10)
    assert contents(predicted, "scores") == there
    assert broken(predicted) == []
    assert log_scores(predicted, "next", frame[:5], source="c", **ACT).accepted == 5
    assert predicted.entries("batch.ingested")[-2].payload["retractions"] == 1


def test_a_batch_that_the_record_alone_knows_enters_anew(predicted: Loop, tmp_path: Path) -> None:
    batch = bring(predicted, tmp_path, "a", p1=0.1).batch_id
    lost = [f"delete from {predicted.table(t)} where batch_id = $batch_id" for t in ("batches", "scores")]
    predicted.lake.write(lambda tx: [tx.execute(s, {"batch_id": batch}) for s in lost], actor="x", message="backup")
    assert any("recorded batches are not in the lake" in sentence for sentence in broken(predicted))
    again = bring(predicted, tmp_path, "a", p1=0.1)
    assert (again.batch_id, again.accepted, said(predicted)) == (batch, 1, {"p1": 0.1})
    assert "taken again" in again.notes[0]
    repair(predicted)
    assert [e.payload.get("retractions") for e in predicted.entries("batch.ingested")][1:] == [None, 1]
    assert broken(predicted) == []


def test_rows_that_are_short_are_told_and_taken_again(predicted: Loop, tmp_path: Path) -> None:
    bring(predicted, tmp_path, "a", p1=0.1, p2=0.2)
    lost = f"delete from {predicted.table('scores')} where prediction_id = 'p2'"
    predicted.lake.write(lambda tx: tx.execute(lost), actor="x", message="lost")
    assert any("1 accepted scores from a.csv" in sentence for sentence in broken(predicted))
    again = bring(predicted, tmp_path, "a", p1=0.1, p2=0.2)
    assert (again.state, again.accepted, said(predicted)) == ("taken_again", 1, {"p1": 0.1, "p2": 0.2})
    assert broken(predicted) == []


def test_a_workspace_of_before_gets_the_column(predicted: Loop, tmp_path: Path) -> None:
    bring(predicted, tmp_path, "a", p1=0.1, p2=0.2)
    folder, scores, there = predicted.workspace.path, predicted.table("scores"), predicted.table("batches")
    older = (
        f"alter table {scores} drop column batch_id",
        f"delete from {there} where signal = 'scores'",
        f"alter table {there} drop column model_version",
    )
    predicted.lake.write(lambda tx: [tx.execute(sql) for sql in older], actor="x", message="as it was")
    predicted.workspace.close()
    settings = folder / "workspace.toml"
    settings.write_text(settings.read_text().replace(f"format = {FORMAT}", "format = 5"))
    with Workspace.open(folder) as workspace:
        loop = workspace.loop("orders")
        assert loop.lake.rows(f"select count(*), count(batch_id) from {scores}") == [(2, 0)]
        again = bring(loop, tmp_path, "b", p1=0.9, p2=0.2)
        assert (again.accepted, again.unchanged) == (1, 1)
        maintain(workspace, keep_days=30, wall=AS_OF)
        assert retract(loop, again.batch_id, **WRONG).restored == 1
        assert said(loop) == {"p1": 0.1, "p2": 0.2}
