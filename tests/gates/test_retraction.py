"""A batch that should never have been accepted: out of every read, on record, and able to come again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from loop_core.doctor import examine
from loop_core.errors import RefusedError, SourceError
from loop_core.gates import ingest, repair, retract
from loop_core.gates.quarantine import fix, list_rows
from loop_core.gates.replay import replay
from loop_core.labels import known_at
from loop_core.lake.times import OLDEST
from loop_core.monitor.drift import drift_scores
from loop_core.monitor.intake import batches
from loop_core.monitor.performance import performance
from loop_core.monitor.profiles import refresh_profiles
from loop_core.monitor.profiles.check import recount
from loop_core.signals import read_source
from loop_core.vocabulary import Signal
from loop_core.workspace import Loop, Workspace
from tests.conftest import CHARTER
from tests.signals.deliveries import AS_OF, contents, deliver, outcome, prediction, write_csv

ACT = {"actor": "bea", "as_of": AS_OF, "reason": "the wrong export"}


def _scored(i: int, **changes: object) -> dict[str, object]:
    return prediction(i, model_version="v1", score=0.5, **changes)


@pytest.fixture
def full(workspace: Workspace, tmp_path: Path) -> Loop:
    """Sixty right predictions, outcomes of them, and five wrong ones with an outcome and a comment on each."""
    text = f"{CHARTER}\n[monitor]\nreference_days = 14\n"
    loop = workspace.set_charter(text, actor="ana", reason="", as_of=AS_OF)
    deliver(loop, Signal.PREDICTIONS, write_csv(tmp_path / "right.csv", [_scored(i) for i in range(60)]))
    wrong = [_scored(100 + i, price=9000) for i in range(5)]
    deliver(loop, Signal.PREDICTIONS, write_csv(tmp_path / "wrong.csv", [*wrong, _scored(200, price=-1)]))
    told = [outcome(i) for i in [*range(60), *range(100, 105)]]
    deliver(loop, Signal.OUTCOMES, write_csv(tmp_path / "outcomes.csv", told))
    voices = [
        {"feedback_id": f"f{i}", "prediction_id": f"p{i}", "given_at": "2018-02-01T00:00:00Z", "rating": 3}
        for i in (1, 100)
    ]
    deliver(loop, Signal.FEEDBACK, write_csv(tmp_path / "feedback.csv", voices))
    refresh_profiles(loop, actor="ana")
    return loop


def _id(loop: Loop, source: str) -> str:
    return next(batch.batch_id for batch in batches(loop, AS_OF) if batch.source == source)


def _broken(loop: Loop) -> list[str]:
    found = examine(loop.workspace, wall=datetime.now(UTC))
    return [check.sentence for check in found if check.state == "broken"]


def test_rows_leave_every_read_and_the_record_says_why(full: Loop) -> None:
    performance(full, AS_OF)
    snapshot = full.lake.snapshot()
    done = retract(full, _id(full, "wrong.csv")[:8], **ACT)
    assert (done.state, done.rows, done.outcomes, done.feedback) == ("retracted", 5, 5, 1)
    refresh_profiles(full, actor="ana")
    for as_of in (AS_OF, datetime(2018, 2, 20, tzinfo=UTC)):
        assert known_at(full, as_of).rows("select count(*) from predictions where price = 9000") == [(0,)]
        assert known_at(full, as_of).rows("select count(*) from rows where label is not null") == [(60,)]
    assert known_at(full, AS_OF, snapshot).rows("select count(*) from rows where label is not null") == [(65,)]
    assert sum(point.n for point in performance(full, AS_OF)) == 60
    assert recount(full).differences == ()  # type: ignore[union-attr]
    assert _broken(full) == []
    (entry,) = full.entries("batch.retracted")
    assert (entry.actor, entry.reason, entry.payload["rows"]) == ("bea", "the wrong export", 5)
    assert [row.state for row in list_rows(full, state="retracted")] == ["retracted"]
    assert list_rows(full) == []
    assert next(b for b in batches(full, AS_OF) if b.source == "wrong.csv").reason == "the wrong export"


def test_twice_changes_nothing(full: Loop) -> None:
    first = retract(full, _id(full, "wrong.csv"), **ACT)
    before, entries = full.lake.rows(f"from {full.table('batches')}"), full.ledger.length()
    again = retract(full, first.batch_id, actor="carl", as_of=AS_OF + timedelta(days=1), reason="other words")
    assert (again.state, again.rows) == ("already_retracted", 5)
    assert full.lake.rows(f"from {full.table('batches')}") == before
    assert full.ledger.length() == entries


def test_the_same_file_may_come_again_and_go_again(full: Loop, tmp_path: Path) -> None:
    rows = contents(full, "predictions")
    for round_ in (1, 2):
        retract(full, _id(full, "wrong.csv"), **ACT)
        report = deliver(full, Signal.PREDICTIONS, tmp_path / "wrong.csv")
        assert (report.state, report.accepted, report.quarantined) == ("ingested", 5, 1)
        assert contents(full, "predictions") == rows
        assert len(full.entries("batch.retracted")) == round_
        assert [e.payload["batch_id"] for e in full.entries("batch.ingested")].count(report.batch_id) == 1 + round_
        assert known_at(full, AS_OF).rows("select count(*) from rows where label is not null") == [(65,)]
        assert len({row.quarantine_id for row in list_rows(full)}) == len(list_rows(full)) == 1
    assert repair(full) is None
    refresh_profiles(full, actor="ana")
    assert recount(full).differences == ()  # type: ignore[union-attr]
    assert _broken(full) == []
    assert deliver(full, Signal.PREDICTIONS, tmp_path / "wrong.csv").state == "already_ingested"


def test_rows_that_a_retracted_replay_brought_in_wait_again(full: Loop) -> None:
    (row,) = list_rows(full)
    fix(full, row.quarantine_id, {"price": "9001"}, actor="bea", as_of=AS_OF)
    (report,) = replay(full, [row.quarantine_id], actor="bea", as_of=AS_OF)
    assert (report.accepted, list_rows(full)) == (1, [])
    done = retract(full, report.batch_id, **ACT)
    assert (done.rows, done.waiting, [waiting.state for waiting in list_rows(full)]) == (1, 1, ["open"])
    assert "1 rows wait in the quarantine again" in done.sentence
    # Corrected, it may come in for good.
    fix(full, row.quarantine_id, {"price": "90"}, actor="bea", as_of=AS_OF)
    assert replay(full, [row.quarantine_id], actor="bea", as_of=AS_OF)[0].accepted == 1
    assert _broken(full) == []


def test_outcomes_taken_out_give_way_to_older_ones(full: Loop, tmp_path: Path) -> None:
    later = [outcome(i, label=1, observed_at="2018-02-12T00:00:00Z") for i in range(0, 60, 2)]
    deliver(full, Signal.OUTCOMES, write_csv(tmp_path / "mixed.csv", later))
    assert known_at(full, AS_OF).rows("select sum(label) from labels") == [(62.0,)]
    done = retract(full, _id(full, "mixed.csv"), **ACT)
    assert (done.rows, done.outcomes) == (30, 0)
    assert known_at(full, AS_OF).rows("select sum(label) from labels") == [(32.0,)]


def test_what_a_batch_replaced_stands_again(workspace: Workspace, tmp_path: Path) -> None:
    text = f'{CHARTER}\n[contract.predictions]\non_conflict = "update"\n'
    loop = workspace.set_charter(text, actor="ana", reason="", as_of=AS_OF)
    deliver(loop, Signal.PREDICTIONS, write_csv(tmp_path / "a.csv", [prediction(i) for i in range(3)]))
    before = contents(loop, "predictions")
    deliver(loop, Signal.PREDICTIONS, write_csv(tmp_path / "b.csv", [prediction(1, price=99), prediction(7)]))
    done = retract(loop, _id(loop, "b.csv"), **ACT)
    assert (done.rows, done.restored) == (2, 1)
    assert contents(loop, "predictions") == before


def test_a_kill_after_the_commit_is_made_good(full: Loop, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(type(full.ledger), "append", _killed)
        with pytest.raises(KeyboardInterrupt):
            retract(full, _id(full, "wrong.csv"), **ACT)
    assert full.entries("batch.retracted") == []
    repair(full)
    assert [entry.reason for entry in full.entries("batch.retracted")] == ["the wrong export"]


def _killed(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


def test_what_cannot_be_taken_out(full: Loop, tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="reason"):
        retract(full, _id(full, "wrong.csv"), actor="bea", as_of=AS_OF, reason="  ")
    with pytest.raises(RefusedError, match="too short"):
        retract(full, "", **ACT)
    with pytest.raises(SourceError, match="loop batches"):
        retract(full, "0" * 64, **ACT)
    bad = write_csv(tmp_path / "bad.csv", [prediction(300 + i, price=-1) for i in range(40)])
    assert deliver(full, Signal.PREDICTIONS, bad).state == "stopped"
    with pytest.raises(RefusedError, match="stopped"):
        retract(full, _id(full, "bad.csv"), **ACT)


TIMES = ("-infinity", "infinity", "0044-03-15 (BC) 00:00:00+00", "290000-01-01 00:00:00+00", "1970-01-01 00:00:00+00")


@pytest.fixture
def old_lake(full: Loop, tmp_path: Path) -> Loop:
    """A lake that a program without bounds of time wrote."""
    path = write_csv(tmp_path / "old.csv", [_scored(400 + i) for i in range(len(TIMES))])
    ingest(full, Signal.PREDICTIONS, read_source(str(path)), actor="ana", as_of=AS_OF)
    table = full.table("predictions")
    for i, text in enumerate(TIMES):
        sql = f"update {table} set predicted_at = $text::timestamptz where prediction_id = 'p{400 + i}'"
        full.lake.write(lambda tx, sql=sql, text=text: tx.execute(sql, {"text": text}), actor="x", message="x")  # type: ignore[misc]
    return full


def test_lakes_with_impossible_times_are_read_and_mended(old_lake: Loop) -> None:
    assert OLDEST > "1970-01-01"
    refresh_profiles(old_lake, actor="ana")
    assert known_at(old_lake, AS_OF).rows("select count(*) from predictions") == [(65,)]
    assert sum(point.n for point in performance(old_lake, AS_OF)) == 65
    drift_scores(old_lake, AS_OF)
    assert recount(old_lake).differences == ()  # type: ignore[union-attr]
    assert _broken(old_lake) == []
    assert retract(old_lake, _id(old_lake, "old.csv"), **ACT).rows == len(TIMES)
    refresh_profiles(old_lake, actor="ana")
    assert recount(old_lake).differences == ()  # type: ignore[union-attr]
    assert old_lake.lake.rows(f"select count(*) from {old_lake.table('predictions')}") == [(65,)]
