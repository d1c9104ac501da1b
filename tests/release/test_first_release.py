"""The first model of a loop: compared with nobody, proposed, approved and promoted like any other."""

from __future__ import annotations

from datetime import timedelta

import pytest

from loop_core.compare import compare, load_scorecard, model_card
from loop_core.compare.store import damaged_scorecards
from loop_core.errors import PermissionDeniedError, RefusedError, UnknownNameError
from loop_core.lake import Transaction
from loop_core.models import register_external
from loop_core.release import approve, promote, propose, rollback, state
from loop_core.vocabulary import Verdict
from loop_core.workspace import Loop
from tests.conftest import START
from tests.monitor.world import DAYS, outcomes, predictions

LATER = START + timedelta(days=DAYS + 61)


@pytest.fixture
def unserved(loop: Loop) -> Loop:
    """Predictions that `old` and `new` scored, and neither was ever released."""
    rows = predictions()

    def body(tx: Transaction) -> None:
        parts = {"predictions": rows.drop("chance", "score"), "outcomes": outcomes(rows)}
        for name, frame in parts.items():
            tx.register("new_rows", frame)
            tx.execute(f"insert into {loop.table(name)} by name from new_rows")
        tx.register("s", rows.select("prediction_id", "predicted_at", "score"))
        for version in ("old", "new"):
            tx.execute(
                f"insert into {loop.table('scores')} (prediction_id, model_version, score, scored_at)"
                " select prediction_id, $version, score, predicted_at from s",
                {"version": version},
            )

    loop.lake.write(body, actor="ana", message="world")
    register_external(loop, "old", actor="ana", as_of=START, train_end=START + timedelta(days=50))
    register_external(loop, "new", actor="ana", as_of=START)
    return loop


def test_its_scorecard_shows_it_alone(unserved: Loop) -> None:
    card = compare(unserved, "old", as_of=LATER, actor="ana")
    assert (card.champion, card.badge, card.n) == (None, "First release", 6_000)
    assert card == load_scorecard(unserved, card.id)
    (entry,) = unserved.entries("comparison.made")
    assert entry.payload["sha256"][:12] == card.id
    file = unserved.workspace.reports / unserved.name / "scorecards" / f"{card.id}.json"
    file.write_text(file.read_text().replace("First release", "Better"))
    assert damaged_scorecards(unserved) == (1, [f"Scorecard {card.id} was changed on disk"])
    assert {cell.cohort_value for cell in card.cells} == {None, "SP", "RJ", "BA"}
    assert {cell.verdict for cell in card.cells} == {Verdict.NOT_APPLICABLE}
    assert {(cell.difference, cell.champion, cell.ci_low) for cell in card.cells} == {(None, None, None)}
    assert all(cell.challenger is not None and cell.challenger > 0 for cell in card.cells)
    first, rows = card.gates[:2]
    assert (first.name, first.state, rows.state) == ("first release", "held", "passed")
    assert "people decide" in first.sentence
    assert card.sentence.startswith("No model serves yet. old: log loss 0.")
    assert "old saw nothing from 2018-02-20 on" in card.proof


def test_a_model_that_has_seen_every_row_is_said_to_have_none(unserved: Loop) -> None:
    end = START + timedelta(days=DAYS)
    register_external(unserved, "fresh", actor="ana", as_of=START, train_end=end)
    card = compare(unserved, "fresh", as_of=end, actor="ana")
    assert (card.badge, card.n, card.cells) == ("First release", 0, ())
    assert "cannot be looked at on rows that it has not seen" in card.sentence
    assert card.gates[1].state == "held"
    with pytest.raises(UnknownNameError, match="nobody"):
        compare(unserved, "nobody", as_of=end, actor="ana")


def test_it_is_released_with_somebody_else_s_approval(unserved: Loop) -> None:
    card = compare(unserved, "old", as_of=LATER, actor="ana")
    other = compare(unserved, "new", against="old", as_of=LATER, actor="ana")
    with pytest.raises(RefusedError, match=r"compares new with old.*new alone: no model serves"):
        propose(unserved, "new", scorecard=other.id, actor="ana", as_of=LATER, reason="x")
    proposal = propose(unserved, "old", scorecard=card.id, actor="ana", as_of=LATER, reason="to start with")
    assert proposal.against is None
    with pytest.raises(PermissionDeniedError, match="ana proposed"):
        approve(unserved, proposal.id, actor="ana", as_of=LATER)
    approve(unserved, proposal.id, actor="bo", as_of=LATER)
    promote(unserved, proposal.id, actor="ana", as_of=LATER)
    assert state(unserved, LATER).champion == "old"
    lines = next(
        part.lines for part in model_card(unserved, LATER, "old").sections if part.title == "Against the champion"
    )
    assert any(line.startswith("log loss: 0.") for line in lines)
    with pytest.raises(RefusedError, match="no champion before old"):
        rollback(unserved, actor="cy", as_of=LATER, reason="x")


def test_once_a_model_serves_its_scorecard_of_a_first_release_is_worth_nothing(unserved: Loop) -> None:
    cards = {name: compare(unserved, name, as_of=LATER, actor="ana").id for name in ("old", "new")}
    first, second = (
        propose(unserved, name, scorecard=cards[name], actor="ana", as_of=LATER, reason="x").id for name in cards
    )
    approve(unserved, first, actor="bo", as_of=LATER)
    promote(unserved, first, actor="ana", as_of=LATER)
    with pytest.raises(RefusedError, match="superseded"):
        approve(unserved, second, actor="bo", as_of=LATER)
    with pytest.raises(RefusedError, match="compares new with nobody"):
        propose(unserved, "new", scorecard=cards["new"], actor="ana", as_of=LATER, reason="x")


def test_a_first_release_is_never_made_without_people(unserved: Loop) -> None:
    card = compare(unserved, "old", as_of=LATER, record=False)
    assert any(gate.state != "passed" for gate in card.gates)
