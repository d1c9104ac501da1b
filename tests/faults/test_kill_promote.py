"""kill -9 at random points of a promotion: exactly one champion, whatever the moment, and trying again ends it."""

from __future__ import annotations

import os
import random
from datetime import timedelta

import pytest

from loop_core.doctor import examine
from loop_core.models import register_external
from loop_core.release import ProposalState, first_release, state
from loop_core.workspace import Loop, Workspace
from tests.conftest import START
from tests.faults.kill import steps
from tests.faults.steps import AS_OF

KILLS = 100 if os.environ.get("LOOPBENCH_FAULTS") == "long" else 5


def approved(loop: Loop, number: int) -> str:
    """An approved proposal of a new challenger; its scorecard does not matter here."""
    version, name = f"v{number}", f"p{number}"
    register_external(loop, version, actor="ana", as_of=START)
    payload = {"proposal": name, "scorecard": "none", "against": None, "needed": 1}
    when = AS_OF - timedelta(seconds=1)
    loop.ledger.append(
        kind="release.proposed", loop=loop.name, subject=version, actor="ana", as_of=when, payload=payload
    )
    loop.ledger.append(
        kind="release.approved", loop=loop.name, subject=version, actor="bo", as_of=when, payload={"proposal": name}
    )
    return name


@pytest.mark.faults
def test_there_is_always_exactly_one_champion(workspace: Workspace, loop: Loop) -> None:
    register_external(loop, "v0", actor="ana", as_of=START)
    first_release(loop, "v0", actor="ana", as_of=START)
    rng = random.Random(0)
    died = 0
    with steps() as program:
        seconds = program.run(workspace.path, "promote", approved(loop, 1)).seconds
        for number in range(2, KILLS + 2):
            name = approved(loop, number)
            outcome = program.run(workspace.path, "promote", name, kill_after=rng.uniform(0, 1.1 * seconds))
            died += not outcome.acknowledged
            assert loop.champion(AS_OF) in (f"v{number - 1}", f"v{number}")
            assert loop.champion(AS_OF) == f"v{number}" or not outcome.acknowledged
            if state(loop, AS_OF).proposals[0].state is ProposalState.APPROVED:
                assert program.run(workspace.path, "promote", name).acknowledged
            assert loop.champion(AS_OF) == f"v{number}"
    assert died > 0, "no kill hit the work; the timing of this test is off"
    promoted = [entry.payload["proposal"] for entry in loop.entries("release.promoted")]
    assert promoted == [None, *(f"p{number}" for number in range(1, KILLS + 2))]
    assert [check for check in examine(workspace, wall=AS_OF) if check.state == "broken"] == []
