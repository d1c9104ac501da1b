"""A stored comparison says what has changed since; nothing where nothing has."""

from __future__ import annotations

from datetime import timedelta

import pytest

from loop_core.compare import compare
from loop_core.compare.since import since_then
from loop_core.errors import NotReadyError
from loop_core.gates import retract
from loop_core.gates.scores import log_scores
from loop_core.models import register_logged
from tests.conftest import CHARTER

DAY = timedelta(days=1)


def test_nothing_has_changed(duel, end) -> None:
    card = compare(duel, "good", as_of=end, actor="ana")
    duel.lake.write(lambda tx: tx.execute("create table if not exists lake.other (x int)"), actor="ana", message="else")
    assert since_then(duel, end, scorecard=card.id).sentences == ()


def test_labels_that_ripen_corrections_and_another_charter_are_said(duel, end) -> None:
    early = end - 90 * DAY
    card = compare(duel, "good", as_of=early, actor="ana")
    later = since_then(duel, end, scorecard=card.id)
    assert later.due_days > 7
    assert later.statements == 0, "no label of a mature window is new"
    changed = duel.workspace.set_charter(
        CHARTER.replace("margin = 0.01", "margin = 0.02"), actor="ana", reason="wider", as_of=end
    )
    changed.lake.write(
        lambda tx: tx.execute(
            f"insert into {duel.table('outcomes')} (prediction_id, label, observed_at, source)"
            f" select prediction_id, 1 - label, observed_at + interval 1 hour, 'correction' from {duel.table('outcomes')} limit 3"
        ),
        actor="ana",
        message="corrections",
    )
    found = since_then(changed, end, scorecard=card.id)
    assert found.charter
    assert found.statements == 3
    said = "; ".join(found.sentences)
    assert "the charter changed" in said
    assert "days of predictions are due" in said
    assert "3 predictions, outcomes or scores" in said


def test_another_champion_is_said(duel, end) -> None:
    card = compare(duel, "good", as_of=end, actor="ana")
    duel.ledger.append(
        kind="release.promoted", loop=duel.name, subject="bad", actor="ben", as_of=end + DAY, reason="mistake"
    )
    assert since_then(duel, end + DAY, scorecard=card.id).champion == "bad"


def test_scores_that_were_replaced_or_taken_out_are_said(duel, end) -> None:
    table = duel.table("scores")
    good = duel.lake.frame(f"select prediction_id, score from {table} where model_version = 'good' order by 1")
    card = compare(duel, "good", as_of=end, actor="ana")
    bad = log_scores(duel, "good", good.with_columns(score=0.5), actor="ana", as_of=end)
    worse = compare(duel, "good", as_of=end, actor="ana")
    assert worse.id != card.id
    assert "scores of the compared time came or were corrected" in since_then(duel, end, scorecard=card.id).sentences[0]
    retract(duel, bad.batch_id, actor="ana", as_of=end, reason="a constant")
    again = compare(duel, "good", as_of=end, actor="ana")
    assert [cell.difference for cell in again.cells] == [cell.difference for cell in card.cells]
    assert since_then(duel, end, scorecard=card.id).sentences == ()
    assert since_then(duel, end, scorecard=worse.id).statements > 0


def test_of_a_model_whose_scores_are_all_gone_nothing_is_compared(duel, end) -> None:
    scores = duel.lake.frame(f"select prediction_id, score from {duel.table('scores')} where model_version = 'good'")
    batch = log_scores(duel, "new", scores, actor="ana", as_of=end).batch_id
    register_logged(duel, "new", actor="ana", as_of=end)
    card = compare(duel, "new", as_of=end, actor="ana")
    retract(duel, batch, actor="ana", as_of=end, reason="another model's")
    with pytest.raises(NotReadyError, match="old and new have no scored rows in common among 4,000 labelled rows"):
        compare(duel, "new", as_of=end, actor="ana")
    assert since_then(duel, end, scorecard=card.id).statements == 4_000
