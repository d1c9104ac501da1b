"""A champion whose files were changed: one alarm with its remedy, and the rest of the loop goes on."""

from __future__ import annotations

import shutil
from datetime import timedelta

import pytest

from loop_core.cycle import run_cycle
from loop_core.models import Calibration, Manifest, ModelStore, register
from loop_core.monitor import check_model, monitor
from loop_core.release import first_release
from loop_core.vocabulary import State, Tier
from tests.conftest import CHARTER, START
from tests.monitor.world import DAYS, outcomes, predictions, put

END = START + timedelta(days=DAYS)
URGENT = CHARTER + '[[triggers]]\nkind = "urgent"\n'


def packaged(loop, seed):
    manifest = Manifest(loop.name, START, seed=seed, train_end=START)
    version = ModelStore(loop.workspace).save("tree\n", Calibration(), manifest)
    register(loop, version, actor="ana", as_of=START)
    return version


@pytest.fixture
def served(workspace):
    """A loop with two packages, one of which served before the other; its rows were scored by the other."""
    loop = workspace.set_charter(URGENT, actor="ana", reason="urgent calls", as_of=START)
    before, champion = packaged(loop, 0), packaged(loop, 1)
    rows = predictions()
    put(loop, rows, outcomes(rows))
    first_release(loop, before, actor="ana", as_of=START)
    loop.ledger.append(
        kind="release.promoted", loop=loop.name, subject=champion, actor="ana", as_of=START + timedelta(days=1), payload={"proposal": None, "previous": before},
    )  # fmt: skip
    return loop, before, champion


def test_an_undamaged_champion_is_ok(served):
    loop, _, champion = served
    (found,) = check_model(loop, END)
    assert (found.state, found.subject) == (State.OK, champion)


def changed(package):
    with (package / "model.txt").open("a") as file:
        file.write("#")


@pytest.mark.parametrize("harm", [changed, shutil.rmtree, lambda package: (package / "manifest.json").unlink()])
def test_a_damaged_champion_is_an_urgent_finding_and_its_predecessor_the_remedy(served, harm):
    loop, before, champion = served
    harm(loop.workspace.models / champion)
    (found,) = [finding for finding in monitor(loop, END) if finding.code == "service.model"]
    assert found.state is State.ALARM
    assert found.sentence.startswith(f"Champion {champion} cannot serve. ")
    decision = run_cycle(loop, END, actor="ana", train=False).decision
    assert (decision.tier, decision.fired) == (Tier.URGENT, ("urgent",))
    assert decision.remedy is not None
    assert (decision.remedy.verb, decision.remedy.to) == ("rollback", before)


def test_a_damaged_predecessor_is_no_remedy(served):
    loop, before, champion = served
    for version in (before, champion):
        changed(loop.workspace.models / version)
    remedy = run_cycle(loop, END, actor="ana", train=False).decision.remedy
    assert remedy is not None
    assert (remedy.verb, remedy.to) == ("fall_back", None)
    assert "every earlier champion is damaged" in remedy.sentence
