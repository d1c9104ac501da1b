"""The sentence over a comparison and the flag beside it, from numbers made up for them."""

from __future__ import annotations

from dataclasses import replace

from loop_core.compare import Cell
from loop_core.compare.sentence import sentence
from loop_core.compare.simpson import reversals
from loop_core.compare.verdict import verdict
from loop_core.vocabulary import Verdict

WEEKS = 4


def cell(difference: float, value: str | None = None, n: int = 4000, se: float = 0.001, block: str = "goal") -> Cell:
    low, high = difference - 2 * se, difference + 2 * se
    return Cell(
        metric="log_loss", block=block, cohort=value and "state", cohort_value=value, n=n, champion=0.4,
        challenger=0.4 - difference, difference=difference, ci_low=low, ci_high=high, margin=0.005,
        verdict=verdict(low, high, 0.005), rows_needed=None, method="t", reason="", se=se,
    )  # fmt: skip


def test_it_says_who_gains_who_loses_how_much_how_many_and_how_sure():
    said = sentence([cell(0.01), cell(0.02, "SP"), cell(-0.03, "BA", 400), cell(0.0, "RJ", se=0.004)], WEEKS)
    assert said == (
        "On the whole people gain: log loss 0.4000 → 0.3900, 0.0100 better (0.0080 to 0.0120), about 1,000"
        " predictions a week. Better for state SP (log loss 0.0200 better, about 1,000 predictions a week)."
        " Worse for state BA (log loss 0.0300 worse, about 100 predictions a week). Undecided for 1 group."
    )


def test_a_gain_that_chance_shows_among_many_is_not_named():
    lucky = cell(0.0021, "SP")
    assert lucky.verdict is Verdict.BETTER
    crowd = [cell(0.0, f"s{k}") for k in range(40)]
    assert "Better for" not in sentence([cell(0.0), lucky, *crowd], WEEKS)
    assert "Better for state SP" in sentence([cell(0.0), lucky], WEEKS)


def test_groups_of_which_nothing_is_known_do_not_read_as_safe():
    few = [replace(cell(-0.05, value), verdict=Verdict.NOT_APPLICABLE) for value in ("SP", "BA")]
    said = sentence([cell(0.0), *few, cell(0.0, "RJ")], WEEKS)
    assert said.endswith("No group is shown to lose. Too little is known of 2 groups to say anything.")


def test_signals_are_not_told():
    said = sentence([cell(0.0), cell(-0.05, "SP", block="signal")], WEEKS)
    assert "SP" not in said


def test_the_flag_stands_where_most_values_move_against_the_whole():
    whole, against = cell(0.01), [cell(-0.004, value) for value in ("SP", "RJ")]
    found = reversals([whole, *against, cell(0.05, "BA")])
    assert len(found) == 1
    assert "most values of state lose (log loss 2 of 3, 2 of them beyond chance)" in found[0]
    brier = [replace(one, metric="brier") for one in (whole, *against, cell(0.05, "BA"))]
    (both,) = reversals([whole, *against, cell(0.05, "BA"), *brier])
    assert "log loss 2 of 3, 2 of them beyond chance; Brier score 2 of 3" in both
    assert reversals([whole, *(replace(one, ci_high=0.001) for one in against), cell(0.05, "BA")]) == ()
    assert reversals([whole, against[0], cell(0.05, "BA"), cell(0.02, "RJ")]) == ()
    assert reversals([replace(whole, block="signal"), *against, cell(0.05, "BA")]) == ()
    few = [replace(one, verdict=Verdict.NOT_APPLICABLE) for one in against]
    assert reversals([whole, *few, cell(0.05, "BA")]) == ()
