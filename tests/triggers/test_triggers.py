"""Contracts over every registered trigger, and each one's own rule."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta

import pytest

from loop_core.charter import TriggerPlan
from loop_core.clock import instant
from loop_core.errors import UnknownNameError
from loop_core.monitor import Finding
from loop_core.triggers import TRIGGERS, Situation, Spend, make
from loop_core.vocabulary import State, Tier
from tests.conftest import START

NOW = START + timedelta(days=100)
DRIFT, VOLUME = TriggerPlan(kind="drift", min_features=2), TriggerPlan(kind="label_volume", min_labels=1_000)
PLANS = {
    "never": TriggerPlan(kind="never"),
    "every_week": TriggerPlan(kind="every_week"),
    "schedule": TriggerPlan(kind="schedule", every_days=30, tier=Tier.URGENT),
    "cron": TriggerPlan(kind="schedule", cron="0 6 1 * *"),
    "drift": DRIFT,
    "performance": TriggerPlan(kind="performance"),
    "log loss": TriggerPlan(kind="performance", metric="log_loss", min_rise=0.02),
    "estimated": TriggerPlan(kind="performance", basis="either"),
    "feedback": TriggerPlan(kind="feedback"),
    "low ratings": TriggerPlan(kind="feedback", max_low_share=0.2),
    "label_volume": VOLUME,
    "urgent": TriggerPlan(kind="urgent"),
    "any": TriggerPlan(kind="any", of=(DRIFT, VOLUME)),
    "all": TriggerPlan(kind="all", of=(DRIFT, VOLUME)),
}


def drifts(*states: State) -> list[Finding]:
    return [Finding("drift.feature", "drift", f"x{k}", state, "…", n=100) for k, state in enumerate(states)]


def situation(findings=(), days_ago: float | None = 50, **more) -> Situation:
    last = None if days_ago is None else NOW - timedelta(days=days_ago)
    return Situation(NOW, findings, last, guardrails=frozenset({"brier"}), **more)


def finding(code: str, state: State, subject: str = "x", **more) -> Finding:
    return Finding(code, "performance", subject, state, f"{subject} is {state.value}.", **more)


WORSE = finding("performance.log_loss", State.ALARM, "log_loss", impact=0.03)


SITUATIONS = {
    "nothing": situation(days_ago=None),
    "pending": situation(drifts(State.PENDING)),
    "drifted": situation(drifts(State.ALARM, State.ALARM, State.OK)),
    "unknown findings": situation([Finding("weather.rain", "service", "sky", State.ALARM, "It rains.")]),
    "everything at once": situation(
        [
            *drifts(State.ALARM, State.ALARM),
            WORSE,
            finding("estimate.auc", State.ALARM, "estimated auc"),
            finding("feedback.rating", State.ALARM, "rating"),
            finding("feedback.low_share", State.ALARM, "low ratings", value=0.4, threshold=0.2),
            finding("service.errors", State.ALARM, "error_share", value=0.1, threshold=0.02),
            finding("quality.broken_feature", State.ALARM, "x0", value=0.9, threshold=0.5),
        ],
        new_labels=5_000,
        spend=Spend(1, 60.0, 60.0),
    ),
    "numbers missing": situation([finding("service.errors", State.OK), finding("performance.log_loss", State.WATCH)]),
    "all pending": situation([finding(code, State.PENDING) for code in ("feedback.rating", "performance.auc")]),
    "clock moved back": situation(days_ago=-3, new_labels=0),
    "just now": situation(drifts(State.ALARM, State.ALARM), days_ago=0, new_labels=10),
}
HELD_BACK = {"cooldown_days": 60, "min_new_labels": 100, "seconds_per_month": 100.0}


@pytest.mark.parametrize("name", SITUATIONS)
@pytest.mark.parametrize("plan", PLANS)
def test_every_trigger_answers_in_every_situation(plan, name):
    trigger, seen = make(PLANS[plan]), SITUATIONS[name]
    reading = trigger.read(seen)
    assert reading.kind == PLANS[plan].kind
    assert reading.fired or reading.tier is PLANS[plan].urgency
    assert reading.sentence
    assert reading.sentence[-1] in ".…"
    assert reading.distance is None or 0 <= reading.distance <= 1
    assert reading.fired == (reading.distance == 1)
    shuffled = random.Random(0).sample(list(seen.findings), len(seen.findings))
    assert trigger.read(replace(seen, findings=shuffled)) == reading


@pytest.mark.parametrize("held", HELD_BACK)
@pytest.mark.parametrize("plan", PLANS)
def test_whatever_holds_a_trigger_back_only_ever_silences(plan, held):
    patient = make(PLANS[plan].model_copy(update={held: HELD_BACK[held]}))
    for seen in SITUATIONS.values():
        inner, outer = make(PLANS[plan]).read(seen), patient.read(seen)
        assert outer.kind == inner.kind
        assert outer == inner or (inner.fired and not outer.fired and "Silent" in outer.sentence)
        assert outer.fired or outer.distance is None or outer.distance < 1


def test_every_plan_of_the_charter_has_a_trigger():
    assert set(TRIGGERS) == {plan.kind for plan in PLANS.values()}
    with pytest.raises(UnknownNameError, match="every_week"):
        make(TriggerPlan.model_construct(kind="moon", cooldown_days=0))


@pytest.mark.parametrize(
    ("kind", "seen", "fired"),
    [
        ("never", situation(drifts(State.ALARM, State.ALARM)), False),
        ("every_week", situation(days_ago=7), True),
        ("every_week", situation(days_ago=6), False),
        ("schedule", situation(days_ago=30), True),
        ("schedule", situation(days_ago=29), False),
        ("schedule", situation(days_ago=None), True),
        ("drift", situation(drifts(State.ALARM, State.ALARM)), True),
        ("drift", situation(drifts(State.ALARM, State.WATCH)), False),
        ("drift", situation(), False),
        ("performance", situation([WORSE]), True),
        ("performance", situation([finding("performance.log_loss", State.WATCH)]), False),
        ("performance", situation([finding("performance.log_loss", State.ALARM, cohort="state")]), False),
        ("performance", situation([finding("estimate.log_loss", State.ALARM)]), False),
        ("estimated", situation([finding("estimate.log_loss", State.ALARM)]), True),
        ("log loss", situation([WORSE]), True),
        ("log loss", situation([finding("performance.log_loss", State.ALARM, impact=0.01)]), False),
        ("log loss", situation([finding("performance.auc", State.ALARM, impact=0.5)]), False),
        ("feedback", situation([finding("feedback.rating", State.ALARM)]), True),
        ("feedback", situation([finding("feedback.low_share", State.ALARM)]), False),
        ("low ratings", situation([finding("feedback.low_share", State.ALARM, threshold=0.2)]), True),
        ("low ratings", situation([finding("feedback.low_share", State.ALARM, threshold=0.1)]), False),
        ("label_volume", situation(new_labels=999), False),
        ("label_volume", situation(new_labels=1_000), True),
        ("urgent", situation([finding("service.errors", State.WATCH)]), False),
        ("urgent", situation([finding("service.errors", State.ALARM)]), True),
        ("urgent", situation([finding("quality.broken_feature", State.ALARM)]), True),
        ("urgent", situation([finding("performance.brier", State.ALARM)]), True),
        ("urgent", situation([finding("performance.log_loss", State.ALARM)]), False),
        ("urgent", situation([finding("performance.brier", State.ALARM, model_version="b")], champion="a"), False),
        ("urgent", situation([finding("performance.brier", State.ALARM, model_version="a")], champion="a"), True),
        ("urgent", situation([finding("performance.brier", State.ALARM, model_version="a + b")], champion="a"), True),
        ("urgent", situation([finding("performance.brier", State.ALARM)], champion="a"), True),
        ("urgent", situation([finding("performance.brier", State.ALARM, model_version="b")]), True),
        ("any", situation(drifts(State.ALARM, State.ALARM), new_labels=0), True),
        ("any", situation(drifts(State.ALARM, State.OK), new_labels=1_000), True),
        ("all", situation(drifts(State.ALARM, State.ALARM), new_labels=0), False),
        ("all", situation(drifts(State.ALARM, State.ALARM), new_labels=1_000), True),
    ],
)
def test_when_each_fires(kind, seen, fired):
    assert make(PLANS[kind]).read(seen).fired is fired


@pytest.mark.parametrize(
    ("plan", "seen", "distance"),
    [
        ("schedule", situation(days_ago=15), 0.5),
        ("drift", situation(drifts(State.ALARM, State.OK)), 0.5),
        ("performance", situation([finding("performance.auc", State.WATCH)]), 0.5),
        ("log loss", situation([finding("performance.log_loss", State.WATCH, impact=0.005)]), 0.25),
        ("log loss", situation([finding("performance.log_loss", State.OK, impact=-0.1)]), 0.0),
        ("low ratings", situation([finding("feedback.low_share", State.OK, value=0.05, threshold=0.2)]), 0.25),
        ("label_volume", situation(new_labels=250), 0.25),
        ("label_volume", situation(), None),
        ("urgent", situation([finding("service.errors", State.OK, value=0.01, threshold=0.02)]), 0.5),
        ("any", situation(drifts(State.ALARM, State.OK), new_labels=100), 0.5),
        ("all", situation(drifts(State.ALARM, State.OK), new_labels=100), 0.1),
        ("all", situation(new_labels=100), None),
    ],
)
def test_how_far_each_has_come(plan, seen, distance):
    assert make(PLANS[plan]).read(seen).distance == (None if distance is None else pytest.approx(distance))


@pytest.mark.parametrize("seconds", [-1, 0, 1])
def test_a_clock_that_is_a_second_early_misses_no_turn(seconds):
    last, weekly = instant("2018-04-03T06:00:00+00:00"), make(PLANS["every_week"])

    def read(trigger, days: int):
        return trigger.read(Situation(last + timedelta(days=days, seconds=seconds), (), last))

    assert not read(weekly, 6).fired
    assert read(weekly, 7).fired
    patient = make(TriggerPlan(kind="every_week", cooldown_days=14))
    assert "13 of 14 days" in read(patient, 13).sentence
    assert read(patient, 14).fired


def test_a_cron_line_fires_from_its_first_time_after_the_last_retrain_on():
    monthly = make(PLANS["cron"])

    def read(last: str, now: str):
        return monthly.read(Situation(instant(now), (), instant(last)))

    assert not read("2018-02-01T06:00:00+00:00", "2018-02-28T23:00:00+00:00").fired
    assert not read("2018-02-01T06:00:00+00:00", "2018-03-01T05:59:00+00:00").fired
    assert read("2018-02-01T06:00:00+00:00", "2018-03-01T06:00:00+00:00").fired
    late = read("2018-02-01T05:00:00+00:00", "2018-02-03")
    assert late.fired
    assert "2018-02-01 06:00 UTC" in late.sentence


@pytest.mark.parametrize("plan", ["schedule", "cron", "every_week"])
@pytest.mark.parametrize(("labels", "fired"), [(0, False), (1, True), (None, True)])
def test_a_first_retrain_waits_for_something_to_learn_from(plan, labels, fired):
    reading = make(PLANS[plan]).read(situation(days_ago=None, new_labels=labels))
    assert reading.fired is fired
    assert ("no label is mature" in reading.sentence) is not fired


def test_what_speaks_for_a_retrain_is_evidence():
    reading = make(PLANS["drift"]).read(situation(drifts(State.OK, State.ALARM, State.ALARM)))
    assert [one.subject for one in reading.evidence] == ["x1", "x2"]
    worse = replace(WORSE, value=0.4, evidence="performance(loop, as_of)")
    (one,) = make(PLANS["log loss"]).read(situation([worse])).evidence
    assert (one.code, one.value, one.query) == ("performance.log_loss", 0.4, "performance(loop, as_of)")


def test_any_is_as_urgent_as_the_most_urgent_part_that_fired():
    either = make(TriggerPlan(kind="any", of=(PLANS["label_volume"], PLANS["urgent"])))
    failing = [finding("service.errors", State.ALARM)]
    assert either.read(situation(failing, new_labels=1_000)).tier is Tier.URGENT
    assert either.read(situation(new_labels=1_000)).tier is Tier.ROUTINE
    assert [part.fired for part in either.read(situation(failing)).parts] == [False, True]


def test_all_are_as_urgent_as_their_most_urgent_part():
    both = make(TriggerPlan(kind="all", of=(PLANS["urgent"], PLANS["label_volume"])))
    assert both.tier is Tier.URGENT
    reading = both.read(situation([finding("service.errors", State.ALARM)], new_labels=1_000))
    assert (reading.fired, reading.tier) == (True, Tier.URGENT)


@pytest.mark.parametrize("kind", ["any", "all"])
def test_a_declared_tier_wins_over_those_of_the_parts(kind):
    declared = make(TriggerPlan(kind=kind, of=(PLANS["urgent"], PLANS["label_volume"]), tier=Tier.EVENT))
    reading = declared.read(situation([finding("service.errors", State.ALARM)], new_labels=1_000))
    assert (reading.fired, reading.tier, declared.tier) == (True, Tier.EVENT, Tier.EVENT)


def test_a_budget_counts_what_the_next_retrain_may_take():
    plan = TriggerPlan(kind="every_week", seconds_per_month=100)
    for spent, fired in ((0.0, True), (40.0, True), (41.0, False)):
        assert make(plan).read(situation(spend=Spend(1, spent, 60.0))).fired is fired
