"""What the monitor says of a window of the previous model is said to be so, and is no alarm of the one that serves."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from loop_core.charter import TriggerPlan
from loop_core.monitor import Finding
from loop_core.monitor.about_champion import MIXED, PREVIOUS, SHARED, about_champion
from loop_core.triggers.base import Situation
from loop_core.triggers.registry import make
from loop_core.vocabulary import State
from tests.conftest import START

WEEK = timedelta(days=7)
#: m1 took over from m0, and was rolled back from in the middle of the fifth week.
TENURES = [("m0", START), ("m1", START + 2 * WEEK), ("m0", START + 4.5 * WEEK)]


def finding(week: int, version: str | None, stage: str = "performance", state: State = State.ALARM) -> Finding:
    start = START + week * WEEK
    return Finding(
        f"{stage}.x", stage, "x", state, "It is worse.", 0.5, window_start=start, window_end=start + WEEK,
        model_version=version, impact=0.1,
    )  # fmt: skip


@pytest.mark.parametrize("state", [State.OK, State.WATCH, State.ALARM])
def test_a_window_of_the_model_that_was_rolled_back_from_is_no_alarm_of_the_one_that_serves(state):
    (found,) = about_champion([finding(3, "m1", state=state)], TENURES)
    assert (found.state, found.sentence, found.impact) == (State.PENDING, f"It is worse. {PREVIOUS}", None)


def test_a_week_that_both_answered_is_partly_about_the_previous_one():
    (found,) = about_champion([finding(4, "m0 + m1")], TENURES)
    assert (found.state, found.sentence) == (State.PENDING, f"It is worse. {MIXED}")


@pytest.mark.parametrize(
    "one",
    [
        finding(5, "m0"),
        finding(1, "m0"),  # the same model, when it served before
        finding(5, "m0 + m2"),  # a canary beside it
        finding(3, None, "drift"),
        replace(finding(3, "m1"), window_start=None, window_end=None),
        finding(3, "m1", state=State.TOO_FEW),
        finding(3, "m1", state=State.PENDING),
    ],
)
def test_what_is_about_the_champion_or_about_no_model_is_left_as_it_is(one):
    assert list(about_champion([one], TENURES)) == [one]


def test_a_service_that_is_down_is_an_alarm_whoever_began_the_week():
    (found,) = about_champion([finding(4, None, "service")], TENURES)
    assert (found.state, found.sentence) == (State.ALARM, f"It is worse. {SHARED}")
    (before,) = about_champion([finding(3, None, "service")], TENURES)
    assert (before.state, before.sentence) == (State.PENDING, f"It is worse. {PREVIOUS}")


def test_a_first_champion_has_no_predecessor_whenever_it_was_put_on_record():
    one = finding(3, "somebody")
    assert list(about_champion([one], TENURES[2:])) == [one]
    assert list(about_champion([one], [])) == [one]


def test_a_retrain_is_not_triggered_by_the_model_that_was_rolled_back_from():
    trigger = make(TriggerPlan(kind="performance", metric="x", min_rise=0.05))
    now = START + 6 * WEEK
    assert trigger.read(Situation(now, [finding(3, "m1")], None)).fired
    assert not trigger.read(Situation(now, list(about_champion([finding(3, "m1")], TENURES)), None)).fired
