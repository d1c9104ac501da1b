from __future__ import annotations

import threading
from datetime import datetime, timedelta

import pytest

from loop_core.compare import compare
from loop_core.errors import LoopbenchError, PermissionDeniedError, RefusedError, UnknownNameError
from loop_core.models import register_external
from loop_core.release import (
    ProposalState,
    approve,
    challengers,
    first_release,
    promote,
    propose,
    reject,
    rollback,
    state,
)
from loop_core.workspace import Loop
from tests.conftest import CHARTER, START

DAY = timedelta(days=1)


def proposed(loop: Loop, end: datetime, challenger: str = "good") -> str:
    card = compare(loop, challenger, as_of=end, actor="ana")
    return propose(loop, challenger, scorecard=card.id, actor="ana", as_of=end, reason="better everywhere").id


def test_the_whole_way_and_back(duel: Loop, end: datetime) -> None:
    name = proposed(duel, end)
    assert approve(duel, name, actor="bo", as_of=end).state is ProposalState.APPROVED
    promote(duel, name, actor="ana", as_of=end)
    assert duel.champion(end) == "good"
    assert duel.champion(end - DAY) == "old"
    rollback(duel, actor="cy", as_of=end + DAY, reason="tickets about wrong warnings")
    now = state(duel, end + DAY)
    assert now.champion == "old"
    assert [tenure.version for tenure in now.tenures] == ["old", "good", "old"]
    assert now.tenures[0].reason == "tickets about wrong warnings"
    assert duel.ledger.verify().broken_at is None


def test_nobody_approves_their_own(duel: Loop, end: datetime) -> None:
    name = proposed(duel, end)
    with pytest.raises(PermissionDeniedError, match="ana proposed p1"):
        approve(duel, name, actor="ana", as_of=end)
    with pytest.raises(RefusedError, match=r"p1 is open.*1 approval"):
        promote(duel, name, actor="ana", as_of=end)
    assert duel.champion(end) == "old"


@pytest.mark.parametrize("spelling", ["Ana", "ANA", "ana ", "ana\n", "\u0430na", "ana\u200b", "", "  "])
def test_nor_under_another_spelling(duel: Loop, end: datetime, spelling: str) -> None:
    name = proposed(duel, end)
    with pytest.raises(LoopbenchError, match=r"proposed p1|is not a name"):
        approve(duel, name, actor=spelling, as_of=end)
    assert approve(duel, name, actor="Bo ", as_of=end).approvals == ("Bo ",)


def test_two_approvals_are_of_two_people(duel: Loop, end: datetime) -> None:
    strict = duel.workspace.set_charter(f"{CHARTER}[rollout]\napprovals = 2\n", actor="ana", reason="eyes", as_of=START)
    name = proposed(strict, end)
    approve(strict, name, actor="bo", as_of=end)
    with pytest.raises(PermissionDeniedError, match="'BO ' reads like bo, who approved p1 already"):
        approve(strict, name, actor="BO ", as_of=end)
    # On record from before names were compared as people read them.
    for actor in ("Ana", "B\u043e"):
        strict.ledger.append(
            kind="release.approved", loop="orders", subject="good", actor=actor, as_of=end, payload={"proposal": name}
        )
    with pytest.raises(RefusedError, match="1 approval"):
        promote(strict, name, actor="ana", as_of=end)
    assert approve(strict, name, actor="cy", as_of=end).approvals == ("bo", "cy")


def test_a_proposal_that_too_few_may_approve_is_refused(duel: Loop, end: datetime) -> None:
    text = CHARTER.replace('owner = "ana"', 'owner = "dee"\napprovers = ["Ana", "bo"]') + "[rollout]\napprovals = 2\n"
    strict = duel.workspace.set_charter(text, actor="ana", reason="eyes", as_of=START)
    with pytest.raises(RefusedError, match="ana proposes, so bo may approve, and 2 approvals are needed"):
        proposed(strict, end)
    card = compare(strict, "good", as_of=end, actor="ana")
    assert propose(strict, "good", scorecard=card.id, actor="cy", as_of=end, reason="better").needed == 2


def test_named_approvers_only(duel: Loop, end: datetime) -> None:
    text = CHARTER.replace('owner = "ana"', 'owner = "ana"\napprovers = ["dee"]')
    strict = duel.workspace.set_charter(text, actor="ana", reason="two eyes", as_of=START)
    name = proposed(strict, end)
    with pytest.raises(PermissionDeniedError, match="one of: dee"):
        approve(strict, name, actor="bo", as_of=end)
    assert approve(strict, name, actor="Dee", as_of=end).state is ProposalState.APPROVED


def test_a_blocked_challenger_is_not_proposed(duel: Loop, end: datetime) -> None:
    with pytest.raises(RefusedError, match="bad is blocked"):
        proposed(duel, end, "bad")
    assert state(duel, end).proposals == ()


def test_a_scorecard_about_another_champion_is_refused(duel: Loop, end: datetime) -> None:
    card = compare(duel, "good", against="bad", as_of=end, actor="ana")
    with pytest.raises(RefusedError, match="compares good with bad"):
        propose(duel, "good", scorecard=card.id, actor="ana", as_of=end, reason="x")


def test_one_open_proposal_per_challenger(duel: Loop, end: datetime) -> None:
    proposed(duel, end)
    with pytest.raises(RefusedError, match="proposed already as p1"):
        proposed(duel, end)


def test_rejecting_needs_a_reason_and_ends_it(duel: Loop, end: datetime) -> None:
    name = proposed(duel, end)
    with pytest.raises(RefusedError, match="without a reason"):
        reject(duel, name, actor="bo", as_of=end, reason=" ")
    assert reject(duel, name, actor="bo", as_of=end, reason="wait for Christmas").note == "wait for Christmas"
    with pytest.raises(RefusedError, match="p1 is rejected"):
        approve(duel, name, actor="bo", as_of=end)
    assert proposed(duel, end) == "p2"


def test_another_release_supersedes(duel: Loop, end: datetime) -> None:
    name = proposed(duel, end)
    approve(duel, name, actor="bo", as_of=end)
    promote(duel, name, actor="ana", as_of=end)
    rollback(duel, actor="cy", as_of=end, reason="a drill")
    again = proposed(duel, end + DAY)
    rollback(duel, "good", actor="cy", as_of=end + DAY, reason="the drill is over")
    with pytest.raises(RefusedError, match="superseded"):
        approve(duel, again, actor="bo", as_of=end + DAY)


def test_time_does_not_run_backwards(duel: Loop, end: datetime) -> None:
    name = proposed(duel, end)
    with pytest.raises(RefusedError, match="before the last release step"):
        approve(duel, name, actor="bo", as_of=end - DAY)


def test_rollback_only_to_earlier_champions(duel: Loop, end: datetime) -> None:
    with pytest.raises(RefusedError, match="no champion before old"):
        rollback(duel, actor="cy", as_of=end, reason="x")
    name = proposed(duel, end)
    approve(duel, name, actor="bo", as_of=end)
    promote(duel, name, actor="ana", as_of=end)
    with pytest.raises(UnknownNameError, match="one of: old"):
        rollback(duel, "bad", actor="cy", as_of=end, reason="x")
    with pytest.raises(RefusedError, match="without a reason"):
        rollback(duel, actor="cy", as_of=end, reason="")


def test_nobody_is_sent_back_to_what_was_rolled_back_from(duel: Loop, end: datetime) -> None:
    name = proposed(duel, end)
    approve(duel, name, actor="bo", as_of=end)
    promote(duel, name, actor="ana", as_of=end)
    rollback(duel, actor="cy", as_of=end, reason="wrong warnings")
    with pytest.raises(RefusedError, match=r"was rolled back from: good.*loop rollback orders --to good"):
        rollback(duel, actor="cy", as_of=end + DAY, reason="worse still")
    assert duel.champion(end + DAY) == "old"
    assert rollback(duel, "good", actor="cy", as_of=end + DAY, reason="it was not the model").subject == "good"


def test_only_one_first_release(duel: Loop, end: datetime) -> None:
    with pytest.raises(RefusedError, match="already has the champion old"):
        first_release(duel, "good", actor="ana", as_of=end)
    with pytest.raises(UnknownNameError, match="good"):
        propose(duel, "nobody", scorecard="x", actor="ana", as_of=end, reason="x")


def test_racing_promotions_make_one_champion(duel: Loop, end: datetime) -> None:
    name = proposed(duel, end)
    approve(duel, name, actor="bo", as_of=end)
    results: list[str] = []

    def race() -> None:
        try:
            promote(duel, name, actor="ana", as_of=end)
            results.append("won")
        except LoopbenchError:
            results.append("lost")

    threads = [threading.Thread(target=race) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == ["lost"] * 5 + ["won"]
    assert len(duel.entries("release.promoted")) == 2


def test_the_question_that_is_open_comes_first(duel: Loop, end: datetime) -> None:
    assert challengers(duel, end) == ("bad", "good")
    name = proposed(duel, end)
    approve(duel, name, actor="bo", as_of=end)
    promote(duel, name, actor="ana", as_of=end)
    assert challengers(duel, end) == ("bad", "old")
    register_external(duel, "next", actor="ana", as_of=end)
    rollback(duel, actor="cy", as_of=end + DAY, reason="tickets")
    # Who served once is no open question, however newly it was registered.
    assert challengers(duel, end + DAY) == ("next", "bad", "good")
