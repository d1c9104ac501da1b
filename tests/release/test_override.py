"""Setting a gate aside: who may, why, for which comparison; and what it does to a release."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest

from loop_core.clock import now
from loop_core.compare import compare, load_scorecard, model_card, overrides_of
from loop_core.doctor import examine
from loop_core.errors import PermissionDeniedError, RefusedError, UnknownNameError
from loop_core.models import register_external
from loop_core.release import approve, override, promote, propose, state
from loop_core.workspace import Loop
from tests.conftest import CHARTER, START

DAY = timedelta(days=1)
GATE, WHY = "log_loss overall", "the new prices only hold with it"


def blocked(loop: Loop, end: datetime) -> str:
    """Id of a comparison that blocks `bad`."""
    return compare(loop, "bad", as_of=end, actor="ana").id


def set_all_aside(loop: Loop, card: str, end: datetime) -> list[str]:
    gates = [gate.name for gate in load_scorecard(loop, card).gates if gate.state == "blocked"]
    return [override(loop, card, gate, actor="ana", reason=WHY, as_of=end).gate for gate in gates]


def test_a_blocked_challenger_is_released_once_its_gates_are_set_aside(duel: Loop, end: datetime) -> None:
    card = blocked(duel, end)
    with pytest.raises(RefusedError, match=rf"bad is blocked: .*loop override orders {card} \"log_loss overall\""):
        propose(duel, "bad", scorecard=card, actor="ana", as_of=end, reason="x")
    assert set_all_aside(duel, card, end) == [GATE, "no cohort worse"]
    name = propose(duel, "bad", scorecard=card, actor="ana", as_of=end, reason="x").id
    with pytest.raises(PermissionDeniedError, match="ana proposed"):
        approve(duel, name, actor="ana", as_of=end)
    approve(duel, name, actor="bo", as_of=end)
    promote(duel, name, actor="ana", as_of=end)
    assert duel.champion(end) == "bad"
    assert duel.ledger.verify().broken_at is None
    assert {check.state for check in examine(duel.workspace, wall=now())} <= {"whole", "note"}
    aside = model_card(duel, end, "bad").sections[-1]
    assert aside.title == "Gates set aside"
    assert f"{GATE} (blocked) was set aside by ana on {end:%Y-%m-%d}: {WHY}." in aside.lines


def test_the_rest_of_the_gates_still_stands(duel: Loop, end: datetime) -> None:
    card = blocked(duel, end)
    override(duel, card, GATE, actor="ana", reason=WHY, as_of=end)
    with pytest.raises(RefusedError, match=r"bad is blocked: Worse: state.*\"no cohort worse\""):
        propose(duel, "bad", scorecard=card, actor="ana", as_of=end, reason="x")


def test_another_comparison_needs_another_override(duel: Loop, end: datetime) -> None:
    card = blocked(duel, end)
    set_all_aside(duel, card, end)
    again = compare(duel, "bad", as_of=end + DAY, actor="ana").id
    assert again != card
    with pytest.raises(RefusedError, match="bad is blocked"):
        propose(duel, "bad", scorecard=again, actor="ana", as_of=end + DAY, reason="x")
    assert overrides_of(duel, again) == {}


def test_who_may_is_said_by_the_charter(duel: Loop, end: datetime) -> None:
    card = blocked(duel, end)
    with pytest.raises(PermissionDeniedError, match=r"bo may not .* one of: ana"):
        override(duel, card, GATE, actor="bo", reason=WHY, as_of=end)
    text = CHARTER + '\n[compare]\noverriders = ["dee"]\n'
    named = duel.workspace.set_charter(text, actor="ana", reason="a head of risk", as_of=START)
    with pytest.raises(PermissionDeniedError, match=r"ana may not .* one of: dee"):
        override(named, card, GATE, actor="ana", reason=WHY, as_of=end)
    assert override(named, card, GATE, actor="DEE", reason=WHY, as_of=end).actor == "DEE"


@pytest.mark.parametrize(
    ("gate", "reason", "error", "says"),
    [
        (GATE, "  ", RefusedError, "without a reason"),
        ("nothing", WHY, UnknownNameError, "one of: .*no cohort worse, "),
    ],
)
def test_what_is_refused(duel: Loop, end: datetime, gate: str, reason: str, error: type[Exception], says: str) -> None:
    card = blocked(duel, end)
    with pytest.raises(error, match=says):
        override(duel, card, gate, actor="ana", reason=reason, as_of=end)
    with pytest.raises(UnknownNameError, match="scorecard"):
        override(duel, "0" * 12, gate, actor="ana", reason=WHY, as_of=end)
    with pytest.raises(RefusedError, match="before the comparison"):
        override(duel, card, GATE, actor="ana", reason=WHY, as_of=end - DAY)
    assert overrides_of(duel, card) == {}


def test_a_gate_that_passed_needs_none(duel: Loop, end: datetime) -> None:
    card = compare(duel, "good", as_of=end, actor="ana")
    with pytest.raises(RefusedError, match=r"log_loss overall passed: Better"):
        override(duel, card.id, GATE, actor="ana", reason=WHY, as_of=end)


def test_twice_is_once(duel: Loop, end: datetime) -> None:
    card = blocked(duel, end)
    first = override(duel, card, GATE, actor="ana", reason=WHY, as_of=end)
    assert override(duel, card, GATE, actor="ana", reason=WHY, as_of=end + DAY) == first
    with pytest.raises(RefusedError, match=rf"was set aside by ana on .*: {WHY}"):
        override(duel, card, GATE, actor="ana", reason="another reason", as_of=end + DAY)
    assert len(duel.entries("release.overridden")) == 1


def test_it_is_no_release_and_no_proposal(duel: Loop, end: datetime) -> None:
    before = state(duel, end)
    set_all_aside(duel, blocked(duel, end), end)
    assert state(duel, end) == before
    assert duel.tenures(end) == [("old", START)]


def test_a_cohort_that_must_be_decided_holds_until_it_is_or_is_set_aside(duel: Loop, end: datetime) -> None:
    text = CHARTER.replace("min_rows = 50", "min_rows = 50\nmust_decide = true").replace(
        "margin = 0.01", "margin = 1e-6"
    )
    strict = duel.workspace.set_charter(text, actor="ana", reason="every state", as_of=START)
    # As good as the champion, and never quite the same: with so narrow a margin nothing decides that.
    write = (
        f"insert into {duel.table('scores')} (prediction_id, model_version, score, scored_at) select prediction_id, 'near',"
        f" score * (0.95 + 0.1 * (hash(prediction_id) % 1000) / 1000.0) / 1.05, predicted_at from {duel.table('predictions')}"
    )
    duel.lake.write(lambda tx: tx.execute(write) and None, actor="ana", message="near")
    register_external(duel, "near", actor="ana", as_of=START)
    card = compare(strict, "near", as_of=end, since=end - 75 * DAY, actor="ana")
    gate = next(gate for gate in card.gates if gate.name == "state decided")
    assert gate.state == "held", card.gates
    assert "The charter wants every state decided; undecided: " in gate.sentence
    with pytest.raises(RefusedError, match="near is held: The charter wants every state decided"):
        propose(strict, "near", scorecard=card.id, actor="ana", as_of=end, reason="x")
    override(strict, card.id, gate.name, actor="ana", reason=WHY, as_of=end)
    assert propose(strict, "near", scorecard=card.id, actor="ana", as_of=end, reason="x").state == "open"


def test_racing_overrides_make_one(duel: Loop, end: datetime) -> None:
    card = blocked(duel, end)

    def race(reason: str) -> str:
        try:
            return override(duel, card, GATE, actor="ana", reason=reason, as_of=end).reason
        except RefusedError:
            return "refused"

    with ThreadPoolExecutor(6) as pool:
        made = list(pool.map(race, "abcdef"))
    assert sorted(made, key=len)[1:] == ["refused"] * 5
    assert len(duel.entries("release.overridden")) == 1
    assert duel.ledger.verify().broken_at is None
