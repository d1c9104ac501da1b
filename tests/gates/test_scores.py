"""Logged scores of other versions: written once, replaced when they change, refused when they are no scores."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from loop_core.errors import SourceError
from loop_core.gates.scores import log_scores
from loop_core.workspace import Loop

NOW = datetime(2018, 3, 1, tzinfo=UTC)


def _stored(loop: Loop) -> list[tuple[str, str, float]]:
    return loop.lake.rows(f"select prediction_id, model_version, score from {loop.table('scores')} order by all")


def test_scores_are_logged_once(loop: Loop) -> None:
    frame = pl.DataFrame({"prediction_id": ["a", "b"], "score": [0.1, 0.2]})
    assert log_scores(loop, "v2", frame, actor="ana", as_of=NOW).accepted == 2
    before = loop.lake.snapshot(), loop.ledger.length()
    again = log_scores(loop, "v2", frame.reverse(), actor="ana", as_of=NOW + timedelta(days=1))
    assert (again.state, again.accepted, again.unchanged) == ("already_ingested", 0, 2)
    assert (loop.lake.snapshot(), loop.ledger.length()) == (before[0], before[1])
    assert _stored(loop) == [("a", "v2", 0.1), ("b", "v2", 0.2)]


def test_a_changed_score_replaces_that_of_its_version_only(loop: Loop) -> None:
    log_scores(loop, "v2", pl.DataFrame({"prediction_id": ["a", "b"], "score": [0.1, 0.2]}), actor="ana", as_of=NOW)
    log_scores(loop, "v3", pl.DataFrame({"prediction_id": ["a"], "score": [0.5]}), actor="ana", as_of=NOW)
    other = pl.DataFrame({"prediction_id": ["b", "c", "a"], "score": [0.9, 0.3, 0.1]})
    report = log_scores(loop, "v2", other, actor="ana", as_of=NOW)
    assert (report.received, report.accepted, report.unchanged) == (3, 2, 1)
    assert _stored(loop) == [("a", "v2", 0.1), ("a", "v3", 0.5), ("b", "v2", 0.9), ("c", "v2", 0.3)]
    assert loop.ledger.verify().broken_at is None


@pytest.mark.parametrize(
    "frame",
    [
        pl.DataFrame({"prediction_id": ["a"], "score": [1.5]}),
        pl.DataFrame(
            {"prediction_id": ["a"], "score": [None]}, schema={"prediction_id": pl.String, "score": pl.Float64}
        ),
        pl.DataFrame({"prediction_id": ["a"], "score": [float("nan")]}),
        pl.DataFrame({"prediction_id": ["a", "a"], "score": [0.1, 0.2]}),
        pl.DataFrame({"id": ["a"], "score": [0.1]}),
    ],
)
def test_what_is_no_score_is_refused_whole(loop: Loop, frame: pl.DataFrame) -> None:
    with pytest.raises(SourceError):
        log_scores(loop, "v2", frame, actor="ana", as_of=NOW)
    assert _stored(loop) == []
