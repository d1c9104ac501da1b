"""A second model's scores from a file, and scores that get their model's name afterwards."""

from __future__ import annotations

from pathlib import Path

import pytest

from loop_core.errors import NotReadyError, RefusedError, SourceError
from loop_core.gates import ingest_scores
from loop_core.models import register_logged, registered
from loop_core.signals import name_scores, read_source
from loop_core.vocabulary import Signal
from loop_core.workspace import Loop
from tests.signals.deliveries import AS_OF, contents, deliver, prediction, write_csv, write_jsonl

ACT = {"actor": "ana", "as_of": AS_OF}


@pytest.fixture
def predicted(loop: Loop, tmp_path: Path) -> Loop:
    rows = [prediction(i, score=0.5) for i in range(20)]
    deliver(loop, Signal.PREDICTIONS, write_csv(tmp_path / "p.csv", rows))
    return loop


def test_scores_of_a_file_are_the_models(predicted: Loop, tmp_path: Path) -> None:
    rows = [{"prediction_id": f"p{i}", "score": i / 100, "note": "x"} for i in range(25)]
    file = read_source(str(write_csv(tmp_path / "s.csv", rows)))
    report = ingest_scores(predicted, file, "next", **ACT)
    assert (report.received, report.accepted, report.model_version) == (25, 25, "next")
    assert report.notes == ("5 of them are about no known prediction, and compared once it is there",)
    entries = predicted.ledger.length()
    same = read_source(str(write_jsonl(tmp_path / "s.jsonl", rows)))
    assert ingest_scores(predicted, same, "next", **ACT).state == "already_ingested"
    assert predicted.ledger.length() == entries
    said = dict(predicted.lake.rows(f"select prediction_id, score from {predicted.table('scores')}"))
    assert said["p7"] == 0.07
    assert predicted.lake.rows(
        f"select count(*) from {predicted.table('scores')} join {predicted.table('predictions')} using (prediction_id)"
        " where scored_at = predicted_at"
    ) == [(20,)]
    register_logged(predicted, "next", **ACT)
    assert [model.version for model in registered(predicted, AS_OF)] == ["next"]


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([{"prediction_id": "p1", "score": "much"}], "p1"),
        ([{"prediction_id": "p1", "score": 1.5}], "outside"),
        ([{"prediction_id": "p1", "score": 0.5}] * 2, "repeat"),
        ([{"prediction_id": "q1", "score": 0.5}], "None of the 1 ids"),
        ([{"prediction_id": "p1"}], "no column score"),
        ([{"prediction_id": "p1", "score": 0.5, "scored_at": "infinity"}], "cannot be read"),
    ],
)
def test_files_that_are_no_scores(predicted: Loop, tmp_path: Path, rows: list[dict[str, object]], words: str) -> None:
    file = read_source(str(write_csv(tmp_path / "s.csv", rows)))
    with pytest.raises(SourceError, match=words):
        ingest_scores(predicted, file, "next", **ACT)
    assert contents(predicted, "scores") == []
    with pytest.raises(RefusedError, match="empty"):
        ingest_scores(predicted, file, " ", **ACT)


def test_a_name_without_scores_is_not_registered(predicted: Loop) -> None:
    with pytest.raises(NotReadyError, match="--model-version ghost"):
        register_logged(predicted, "ghost", **ACT)
    assert registered(predicted, AS_OF) == []


def test_scores_without_a_version_get_one_on_record(predicted: Loop) -> None:
    assert name_scores(predicted, "first", reason="the vendor said so", **ACT) == 20
    routes = predicted.lake.rows(f"select distinct model_version, route from {predicted.table('predictions')}")
    assert routes == [("first", "champion")]
    (entry,) = predicted.entries("scores.named")
    assert (entry.subject, entry.reason, entry.payload["rows"]) == ("first", "the vendor said so", 20)
    with pytest.raises(NotReadyError, match="without a model version"):
        name_scores(predicted, "second", reason="again", **ACT)
    with pytest.raises(RefusedError, match="reason"):
        name_scores(predicted, "second", reason="", **ACT)
    assert len(predicted.entries("scores.named")) == 1


def test_a_naming_that_was_killed_is_finished(predicted: Loop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(type(predicted.lake), "write", _killed)
        with pytest.raises(KeyboardInterrupt):
            name_scores(predicted, "first", reason="the vendor said so", **ACT)
    # What comes in afterwards is not what was named.
    deliver(predicted, Signal.PREDICTIONS, write_csv(tmp_path / "q.csv", [prediction(50, score=0.5)]))
    named = f"select model_version, count(*) from {predicted.table('predictions')} group by 1 order by 1"
    assert predicted.lake.rows(named) == [("first", 20), (None, 1)]
    assert [entry.payload["rows"] for entry in predicted.entries("scores.named")] == [20]


def _killed(*_: object, **__: object) -> None:
    raise KeyboardInterrupt
