"""A cycle that is killed half-way, or stopped, and run again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from loop_core import cycle as module
from loop_core.cycle import run_cycle
from loop_core.errors import StoppedError
from loop_core.release import first_release
from loop_core.retrain import bootstrap
from loop_core.workspace import Loop, Workspace
from tests.retrain.synthetic import CHARTER, END, START, parcels

TRIGGERS = '\n[[triggers]]\nkind = "schedule"\nevery_days = 30\n[rollout]\nauto_release = true\n'
BEGAN = START + timedelta(days=120)


class KilledError(BaseException):
    """What no handler of the loop catches."""


@pytest.fixture
def served(workspace: Workspace) -> Loop:
    """A loop whose champion is 120 days old, and due for a retrain."""
    loop = parcels(workspace)
    first = bootstrap(loop, until=BEGAN, as_of=BEGAN, actor="ana", seed=3)
    loop = workspace.set_charter(CHARTER + TRIGGERS, actor="ana", reason="a schedule", as_of=BEGAN)
    first_release(loop, first, actor="ana", as_of=BEGAN)
    return loop


@pytest.mark.parametrize("step", ["compare", "_release", "_record"])
def test_a_cycle_killed_after_its_retrain_ends_as_one_that_ran_through(
    served: Loop, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: Any, **__: Any) -> None:
        raise KilledError

    with monkeypatch.context() as patch:
        patch.setattr(module, step, killed)
        with pytest.raises(KilledError):
            run_cycle(served, END, actor="ana")
    (made,) = [entry.subject for entry in served.entries("retrain.finished")]
    assert not served.entries("cycle.ran")

    report = run_cycle(served, END, actor="ana")
    assert (report.challenger, report.decision.retrain, report.decision.fired) == (made, True, ("schedule",))
    assert report.scorecard is not None
    assert report.scorecard.challenger == made
    assert len(served.entries("retrain.finished")) == len(served.entries("trigger.decided")) == 1
    assert served.entries("cycle.ran")[0].payload["challenger"] == made
    assert report.promoted == (made if served.champion(END) == made else None)


def test_a_stopped_cycle_is_not_on_record_and_goes_on(served: Loop) -> None:
    with pytest.raises(StoppedError):
        run_cycle(served, END, actor="ana", should_stop=lambda: True)
    assert not served.entries("cycle.ran")
    assert run_cycle(served, END, actor="ana").challenger is not None
