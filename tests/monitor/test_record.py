from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from loop_core.monitor import Finding, findings_at, record_findings, standing_since
from loop_core.vocabulary import State
from loop_core.workspace import Loop
from tests.conftest import START

WEEK = timedelta(days=7)


def finding(subject: str, state: State) -> Finding:
    return Finding(
        code="drift.feature", stage="drift", subject=subject, state=state, sentence=f"{subject} is {state}", value=0.1,
        ci_low=None, ci_high=None, threshold=0.2, n=100, window_start=START, window_end=START + WEEK, model_version=None,
    )  # fmt: skip


PRICE = finding("price", State.OK).key


def record(loop: Loop, **states: str) -> None:
    """`price="aoo"`: the state's first letter at each of three weeks."""
    letters = {"a": State.ALARM, "o": State.OK}
    for week in range(len(next(iter(states.values())))):
        found = [finding(subject, letters[told[week]]) for subject, told in states.items() if told[week] in letters]
        record_findings(loop, START + week * WEEK, found, actor="ana")


def test_a_finding_stands_since_its_state_last_changed(loop: Loop) -> None:
    record(loop, price="oaoaa", weight="ooooo", state="aaaao")
    since = standing_since(loop, START + 4 * WEEK)
    assert since[PRICE] == START + 3 * WEEK
    assert since[finding("weight", State.OK).key] == START
    assert since[finding("state", State.OK).key] == START + 4 * WEEK
    assert standing_since(loop, START + 1 * WEEK)[PRICE] == START + WEEK


def test_each_cohort_stands_for_itself(loop: Loop) -> None:
    for week, state in enumerate((State.OK, State.ALARM)):
        north = replace(finding("price", state), cohort="state", cohort_value="RJ")
        record_findings(loop, START + week * WEEK, [finding("price", State.OK), north], actor="ana")
    since = standing_since(loop, START + WEEK)
    assert (since[PRICE], since[north.key]) == (START, START + WEEK)


def test_the_same_instant_is_replaced_and_the_past_stays_readable(loop: Loop) -> None:
    record(loop, price="oa")
    record_findings(loop, START, [finding("price", State.ALARM)], actor="ana")
    assert [f.state for f in findings_at(loop, START)] == [State.ALARM]
    assert [f.state for f in findings_at(loop, START + WEEK)] == [State.ALARM]
    assert findings_at(loop, START - WEEK) == []
    assert standing_since(loop, START - WEEK) == {}
