"""Gates and badge from cells: each state, its reason and its next step."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from loop_core.charter import Charter, parse_charter
from loop_core.compare import Cell, GateResult, compare
from loop_core.compare.badge import badge
from loop_core.compare.gates import evaluate_gates, undecided_cohorts
from loop_core.vocabulary import Verdict
from tests.compare.rivals_world import challenged
from tests.conftest import CHARTER, START
from tests.monitor.world import DAYS

LATER = START + timedelta(days=DAYS + 61)
DECISIVE = CHARTER.replace("min_rows = 50", "min_rows = 50\nmust_decide = true")
SIGNALS = CHARTER.replace("margin = 0.01", 'margin = 0.01\nblock = "signal"')
OVERALL = Cell(
    "log_loss", "goal", None, None, 1_000, 0.5, 0.45, 0.05, 0.02, 0.08, 0.01, Verdict.BETTER, None, "t interval", "", 0.015
)  # fmt: skip
OPEN = replace(
    OVERALL, cohort="state", cohort_value="BA", n=100, difference=-0.01, ci_low=-0.05, ci_high=0.03,
    verdict=Verdict.INCONCLUSIVE, rows_needed=300,
)  # fmt: skip
FEW = replace(OPEN, cohort_value="AC", n=10, verdict=Verdict.NOT_APPLICABLE, rows_needed=None, reason="10 rows")


def charter(text: str = CHARTER) -> Charter:
    return parse_charter(text)


def gate(name: str, gates: tuple[GateResult, ...]) -> GateResult:
    return next(one for one in gates if one.name == name)


def test_an_undecided_cohort_is_said_and_holds_only_where_the_charter_wants_it_decided():
    cells = [OVERALL, OPEN, FEW]
    free, strict = (evaluate_gates(charter(text), cells, 1_000) for text in (CHARTER, DECISIVE))
    assert {one.state for one in free} == {"passed"}
    assert "1 are undecided and 1 have too few rows" in gate("no cohort worse", free).sentence
    held = gate("state decided", strict)
    assert (held.state, held.next_step) == (
        "held",
        "wait for about 300 more rows of BA, more than a year away at this rate",
    )
    assert (
        held.sentence
        == "The charter wants every state decided; undecided: BA log loss 0.0100 worse (0.0500 worse to 0.0300 better)."
    )
    assert undecided_cohorts(strict) == {"state"}


def test_too_few_rows_do_not_hold_and_worse_is_decided():
    worse = replace(OPEN, ci_high=-0.001, verdict=Verdict.WORSE, rows_needed=None)
    gates = evaluate_gates(charter(DECISIVE), [OVERALL, worse, FEW], 1_000)
    assert gate("state decided", gates).state == "passed"
    assert "1 of 2 cells have no verdict" in gate("state decided", gates).sentence
    assert gate("no cohort worse", gates).state == "blocked"


def test_the_badge_waits_as_long_as_the_cohort_takes():
    gates = evaluate_gates(charter(DECISIVE), [OVERALL, OPEN], 1_000)
    # 300 more rows of a group that had 100 in 30 days.
    assert badge([OVERALL, OPEN], gates, 1_000, days=30) == "90 days left"
    assert badge([OVERALL, OPEN], gates, 1_000, days=300) == "Not decidable within a year"
    softened = replace(OPEN, rows_needed=None, reason="Benjamini–Hochberg")
    assert badge([OVERALL, softened], gates, 1_000, days=30) == "Undecided"


def test_no_threshold_is_no_verdict(workspace):
    signals = [replace(one, block="signal") for one in (OVERALL, OPEN)]
    gates = evaluate_gates(charter(SIGNALS), signals, 1_000)
    said = gate("metrics", gates)
    assert (said.state, said.sentence.split(":")[0]) == ("held", "No verdict")
    assert "[[metrics]]" in said.next_step
    assert badge(signals, gates, 1_000, 30) == "No verdict"
    loop = workspace.set_charter(SIGNALS, actor="ana", reason="first", as_of=START)
    assert compare(challenged(loop, {"new": 0.05}), "new", as_of=LATER, record=False).badge == "No verdict"


def test_what_else_was_looked_at_counts_like_the_rest():
    further = (GateResult("no slice worse", "blocked", "found", "look"),)
    for text in (CHARTER, SIGNALS):
        gates = evaluate_gates(charter(text), [OVERALL], 1_000, further=further)
        assert gates[-1] == further[0]
        assert badge([OVERALL], gates, 1_000, 30) == "Do not ship"


@pytest.mark.parametrize("state", ["blocked", "held"])
def test_every_gate_in_the_way_says_what_to_do_next(state):
    hurt = {"blocked": Verdict.WORSE, "held": Verdict.INCONCLUSIVE}[state]
    cell = replace(OVERALL, difference=-0.05, ci_low=-0.09, ci_high=-0.01, verdict=hurt, rows_needed=500)
    for cells, n in (([cell], 1_000), ([replace(cell, difference=None, reason="one class")], 1_000), ([OVERALL], 50)):
        for one in evaluate_gates(charter(), cells, n):
            assert one.state == "passed" or one.next_step
