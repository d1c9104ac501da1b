"""Contracts over every registered trigger, each one's own rule, and the record of the decision."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest

from loop_core.charter import TriggerPlan
from loop_core.errors import UnknownNameError
from loop_core.monitor import Finding
from loop_core.triggers import TRIGGERS, Situation, decide, make, record_decision
from loop_core.vocabulary import State, Tier
from tests.conftest import CHARTER, START

NOW = START + timedelta(days=100)
PLANS = {
    "never": TriggerPlan(kind="never"),
    "every_week": TriggerPlan(kind="every_week"),
    "schedule": TriggerPlan(kind="schedule", every_days=30, tier=Tier.URGENT),
    "drift": TriggerPlan(kind="drift", min_features=2, tier=Tier.EVENT),
}


def drifts(*states: State) -> list[Finding]:
    return [Finding("drift.feature", "drift", f"x{k}", state, "…", n=100) for k, state in enumerate(states)]


def situation(findings=(), days_ago: float | None = 50) -> Situation:
    return Situation(NOW, findings, None if days_ago is None else NOW - timedelta(days=days_ago))


SITUATIONS = {
    "nothing": situation(days_ago=None),
    "pending": situation(drifts(State.PENDING)),
    "drifted": situation(drifts(State.ALARM, State.ALARM, State.OK)),
    "other findings": situation([Finding("service.errors", "service", "error_share", State.ALARM, "…")]),
    "clock moved back": situation(days_ago=-3),
    "just now": situation(drifts(State.ALARM, State.ALARM), days_ago=0),
}


@pytest.mark.parametrize("name", SITUATIONS)
@pytest.mark.parametrize("kind", TRIGGERS)
def test_every_trigger_answers_in_every_situation(kind, name):
    trigger, seen = make(PLANS[kind]), SITUATIONS[name]
    reading = trigger.read(seen)
    assert (reading.kind, reading.tier) == (kind, PLANS[kind].tier)
    assert reading.sentence.endswith(".")
    assert reading.distance is None or 0 <= reading.distance <= 1
    assert reading.distance == 1 if reading.fired else True
    shuffled = random.Random(0).sample(list(seen.findings), len(seen.findings))
    assert trigger.read(Situation(seen.as_of, shuffled, seen.last_retrain)) == reading


@pytest.mark.parametrize("kind", TRIGGERS)
def test_a_cooldown_only_ever_silences(kind):
    patient = make(PLANS[kind].model_copy(update={"cooldown_days": 60}))
    for seen in SITUATIONS.values():
        inner, outer = make(PLANS[kind]).read(seen), patient.read(seen)
        assert inner.fired or not outer.fired
        assert not outer.fired or seen.last_retrain is None
        assert outer.fired or outer.distance is None or outer.distance < 1


def test_every_plan_of_the_charter_has_a_trigger():
    assert set(TRIGGERS) == set(PLANS)
    with pytest.raises(UnknownNameError, match="every_week"):
        make(TriggerPlan.model_construct(kind="moon", cooldown_days=0))


@pytest.mark.parametrize(
    ("kind", "seen", "fired"),
    [
        ("never", situation(drifts(State.ALARM, State.ALARM)), False),
        ("every_week", situation(days_ago=7), True),
        ("every_week", situation(days_ago=6.9), False),
        ("schedule", situation(days_ago=30), True),
        ("schedule", situation(days_ago=29), False),
        ("schedule", situation(days_ago=None), True),
        ("drift", situation(drifts(State.ALARM, State.ALARM)), True),
        ("drift", situation(drifts(State.ALARM, State.WATCH)), False),
        ("drift", situation(), False),
    ],
)
def test_when_each_fires(kind, seen, fired):
    assert make(PLANS[kind]).read(seen).fired is fired


def test_the_most_urgent_trigger_that_fired_names_the_tier_and_the_decision_is_on_record_once(workspace):
    plans = '[[triggers]]\nkind = "drift"\nmin_features = 1\ntier = "urgent"\n[[triggers]]\nkind = "every_week"\n[[triggers]]\nkind = "never"\n'
    loop = workspace.set_charter(CHARTER + plans, actor="ana", reason="triggers", as_of=START)
    decision = decide(loop, NOW, drifts(State.ALARM))
    assert (decision.retrain, decision.tier, decision.fired) == (True, Tier.URGENT, ("drift", "every_week"))
    assert loop.entries("trigger.decided") == []
    for _ in range(2):
        record_decision(loop, decision, actor="ana")
    (entry,) = loop.entries("trigger.decided")
    assert entry.payload["fired"] == ["drift", "every_week"]
    assert len(entry.payload["evaluated"]) == 3


def test_a_loop_without_triggers_never_retrains(loop):
    decision = decide(loop, NOW, drifts(State.ALARM))
    assert not decision.retrain
    assert decision.sentence == "No retrain: the charter has no trigger."
