"""Gaps between protected groups: values as Fairlearn's, intervals that hold the truth, outcomes that are stated."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import polars as pl
import pytest
from fairlearn.metrics import (
    MetricFrame,
    demographic_parity_difference,
    equalized_odds_difference,
    false_positive_rate,
    selection_rate,
    true_positive_rate,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from loop_core.charter import Costs
from loop_core.charter.comparing import ComparePlan
from loop_core.compare.fairness import fairness
from loop_core.compare.further_gates import fairness_gates
from loop_core.compare.metrics import Pairs
from loop_core.compare.scorecard import Scorecard
from loop_core.monitor.units import Units
from loop_core.vocabulary import Task, Verdict
from tests.compare.fair_worlds import PROTECTED, World, charter, coverage
from tests.conftest import START

WIDENS = World((0.0, 0.1, 0.2), (0.0, 0.4, 0.8))
MARGIN = ComparePlan(fairness_margin=0.05)


def drawn(world: World, n: int, seed: int = 0) -> tuple[Pairs, pl.DataFrame]:
    return world.draw(np.random.default_rng(seed), n)


def found(world: World, n: int, seed: int = 0, **update: object):
    return {one.measure: one for one in fairness(charter(**update), *drawn(world, n, seed))[0]}


@pytest.mark.parametrize("world", [WIDENS, replace(WIDENS, entities=400), replace(WIDENS, prevalence=0.05)])
def test_values_are_fairlearns(world: World) -> None:
    pairs, cohorts = drawn(world, 8_000)
    results, rates = fairness(charter(), pairs, cohorts)
    parity, odds = results
    for model in ("champion", "challenger"):
        said = (getattr(pairs, model) >= 0.5).astype(int)
        given = {"y_true": pairs.labels, "y_pred": said, "sensitive_features": cohorts["state"].to_numpy()}
        assert getattr(parity, model) == pytest.approx(demographic_parity_difference(**given), abs=1e-12)
        assert getattr(odds, model) == pytest.approx(equalized_odds_difference(**given), abs=1e-12)
        metrics = {
            "said yes": selection_rate,
            "true positives": true_positive_rate,
            "false positives": false_positive_rate,
        }
        frame = MetricFrame(metrics=metrics, **given).by_group
        for one in rates:
            assert getattr(one, model) == pytest.approx(frame.loc[one.cohort_value, one.rate], abs=1e-12)
    assert {one.cohort_value for one in rates} == {"A", "B", "C"}
    assert parity.difference == pytest.approx(parity.champion - parity.challenger, abs=1e-15)


def test_the_operating_point_is_that_of_the_costs() -> None:
    pairs, cohorts = drawn(WIDENS, 4_000)
    costs = charter().model_copy(update={"costs": Costs(false_alarm=1, miss=3)})
    parity = fairness(costs, pairs, cohorts)[0][0]
    wanted = demographic_parity_difference(
        pairs.labels, pairs.challenger >= 0.25, sensitive_features=cohorts["state"].to_numpy()
    )
    assert (parity.threshold, parity.challenger) == (0.25, pytest.approx(wanted, abs=1e-12))


def test_a_gap_that_widens_is_worse_and_blocks() -> None:
    results = found(WIDENS, 8_000, compare=MARGIN)
    assert {one.verdict for one in results.values()} == {Verdict.WORSE}
    parity = results["demographic_parity"]
    assert (parity.most, parity.least) == ("C", "A")
    gate = fairness_gates(list(results.values()))[0]
    assert (gate.name, gate.state, "between C and A" in gate.sentence) == ("fairness state", "blocked", True)
    closes = found(World(WIDENS.challenger, WIDENS.champion), 8_000, compare=MARGIN)
    assert {one.verdict for one in closes.values()} == {Verdict.BETTER}


def test_too_few_rows_hold_and_say_how_many_more() -> None:
    results = found(World((0, 0.1), (0, 0.15)), 600, compare=MARGIN)
    assert results["equalized_odds"].verdict is Verdict.INCONCLUSIVE
    assert results["equalized_odds"].rows_needed > 0
    gate = fairness_gates(list(results.values()))[0]
    assert (gate.state, "more rows" in gate.next_step) == ("held", True)


def test_without_a_margin_gaps_are_shown_and_gate_nothing() -> None:
    results = list(found(WIDENS, 8_000).values())
    assert results[0].verdict is Verdict.WORSE
    assert fairness_gates(results) == ()
    assert fairness(charter(PROTECTED.replace("protected = true", "")), *drawn(WIDENS, 500)) == ((), ())


def test_a_model_against_itself_is_exactly_as_fair() -> None:
    pairs, cohorts = drawn(WIDENS, 2_000)
    same = Pairs(pairs.labels, pairs.champion, pairs.champion, pairs.units)
    for margin in (None, 0.05):
        for one in fairness(charter(compare=ComparePlan(fairness_margin=margin)), same, cohorts)[0]:
            assert (one.difference, one.ci_low, one.ci_high, one.verdict) == (0.0, 0.0, 0.0, Verdict.NOT_WORSE)


@settings(max_examples=10)
@given(seed=st.integers(0, 1000), k=st.integers(2, 4), clustered=st.booleans())
def test_what_must_hold_of_any_rows(seed: int, k: int, clustered: bool) -> None:
    shifts = np.random.default_rng(seed).normal(0, 0.2, (2, k))
    world = World(tuple(shifts[0]), tuple(shifts[1]), entities=150 if clustered else 0)
    pairs, cohorts = drawn(world, 900, seed)
    order = np.random.default_rng(seed + 1).permutation(900)
    turned = Pairs(pairs.labels, pairs.challenger, pairs.champion, pairs.units)
    results, other, shuffled = (
        fairness(charter(), *given)[0]
        for given in ((pairs, cohorts), (turned, cohorts), (pairs.take(order), cohorts[pl.Series(order)]))
    )
    for one, back, mixed in zip(results, other, shuffled, strict=True):
        if one.difference is None:
            continue
        assert 0 <= one.champion_low <= one.champion <= one.champion_high
        assert one.ci_low <= one.difference <= one.ci_high
        assert back.difference == pytest.approx(-one.difference, abs=1e-12)
        # But for the draws, which are others.
        near = 0.1 * (one.ci_high - one.ci_low)
        assert (back.ci_low, back.ci_high) == pytest.approx((-one.ci_high, -one.ci_low), abs=near)
        assert (mixed.ci_low, mixed.ci_high) == pytest.approx((one.ci_low, one.ci_high), abs=near)
        assert mixed.difference == pytest.approx(one.difference, abs=1e-12)


def test_rows_of_one_entity_count_as_one_witness() -> None:
    pairs, cohorts = drawn(replace(WIDENS, entities=60), 3_000)
    alone = Pairs(pairs.labels, pairs.champion, pairs.challenger, Units(None, 3_000))
    clustered, independent = (fairness(charter(), given, cohorts)[0][0] for given in (pairs, alone))
    assert clustered.champion == independent.champion
    assert clustered.champion_high - clustered.champion_low > 1.3 * (
        independent.champion_high - independent.champion_low
    )


def test_small_groups_are_left_out_by_name() -> None:
    pairs, cohorts = drawn(WIDENS, 2_000)
    few = cohorts.with_columns(
        pl.when(pl.int_range(2_000) < 12).then(pl.lit("(null)")).otherwise("state").alias("state")
    )
    one = fairness(charter(), pairs, few)[0][0]
    assert (one.groups, one.left_out) == (3, "(null) (n = 12)")
    rare = found(World((0, 0, 0), (0, 0, 0), prevalence=0.01), 2_000)
    assert rare["demographic_parity"].difference is not None
    assert (rare["equalized_odds"].verdict, "20 rows of each class" in rare["equalized_odds"].reason) == (
        Verdict.NOT_APPLICABLE,
        True,
    )
    many = charter(cohorts=(charter().cohorts[0].model_copy(update={"max_values": 2}),))
    assert {one.cohort_value for one in fairness(many, pairs, cohorts)[1]} >= {"(other)"}


def test_stated_outcomes() -> None:
    pairs, cohorts = drawn(WIDENS, 400)
    one_group = cohorts.with_columns(state=pl.lit("SP"))
    held = fairness(charter(compare=MARGIN), pairs, one_group)[0]
    assert "1 group (SP) with 50 rows or more; a gap needs two" in held[0].reason
    assert (fairness_gates(held)[0].state, "No gap can be told" in fairness_gates(held)[0].sentence) == ("held", True)
    dropped = fairness(charter(compare=MARGIN), pairs, cohorts.drop("state"))[0]
    assert {one.verdict for one in dropped} == {Verdict.NOT_APPLICABLE}
    assert "not among the compared rows" in dropped[0].reason
    few = Pairs(pairs.labels, pairs.champion, pairs.challenger, Units(np.arange(400) % 10, 10))
    assert "10 entities; an interval needs 20" in fairness(charter(), few, cohorts)[0][0].reason
    nobody = Pairs(*(np.empty(0) for _ in range(3)), Units(None, 0))
    assert "0 groups" in fairness(charter(), nobody, cohorts.clear())[0][0].reason


def test_constant_scores_have_no_gap_and_are_not_certain() -> None:
    pairs, cohorts = drawn(World(WIDENS.challenger, WIDENS.champion), 2_000)
    silent = Pairs(pairs.labels, pairs.champion, np.zeros(2_000), pairs.units)
    parity = fairness(charter(), silent, cohorts)[0][0]
    assert (parity.challenger, parity.challenger_low) == (0.0, 0.0)
    # That nobody of 2,000 was told yes does not prove that nobody will be.
    assert 0 < parity.challenger_high < 0.02
    assert parity.verdict is Verdict.BETTER


def test_numbers_are_compared_by_their_errors() -> None:
    rng = np.random.default_rng(0)
    group, labels = rng.integers(0, 2, 3_000), rng.normal(100, 10, 3_000)
    fair, unfair = labels + rng.normal(0, 5, 3_000), labels + rng.normal(0, 5, 3_000) + 3.0 * group
    numbers = PROTECTED.replace('positive = "late"', 'task = "regression"').replace("log_loss", "mae")
    cohorts = pl.DataFrame({"state": np.array(["SP", "RJ"])[group]})
    results, rates = fairness(
        charter(numbers, compare=ComparePlan(fairness_margin=1.5)),
        Pairs(labels, fair, unfair, Units(None, 3_000)),
        cohorts,
    )
    bias = {one.measure: one for one in results}["mean_error"]
    assert (bias.verdict, bias.most, bias.threshold) == (Verdict.WORSE, "RJ", None)
    assert bias.challenger == pytest.approx(3.0, abs=0.6)
    assert bias.challenger_low < 3.0 < bias.challenger_high
    assert {one.rate for one in rates} == {"mean error", "absolute error"}


def test_classes_are_compared_each_against_the_rest() -> None:
    rng = np.random.default_rng(1)
    n, classes = 4_000, ("early", "on_time", "late")
    group, labels = rng.integers(0, 2, n), rng.integers(0, 3, n).astype(float)

    def model(tilt: float):
        raw = rng.random((n, 3)) + 0.6 * np.eye(3)[labels.astype(int)]
        raw[:, 2] += tilt * group
        return raw / raw.sum(axis=1, keepdims=True)

    three = PROTECTED.replace('positive = "late"', f'task = "multiclass"\nclasses = {list(classes)}')
    pairs = Pairs(labels, model(0.0), model(0.4), Units(None, n))
    cohorts = pl.DataFrame({"state": np.array(["SP", "RJ"])[group]})
    results, rates = fairness(charter(three), pairs, cohorts)
    by_measure = {one.measure: one for one in results}
    assert set(by_measure) == {"accuracy", "demographic_parity", "equalized_odds"}
    said = pairs.challenger.argmax(axis=1)
    widest = max(abs((said[group == 0] == c).mean() - (said[group == 1] == c).mean()) for c in range(3))
    assert by_measure["demographic_parity"].challenger == pytest.approx(widest, abs=1e-12)
    assert by_measure["demographic_parity"].verdict is Verdict.WORSE
    assert {one.rate for one in rates} == {"accuracy", *(f"said {name}" for name in classes)}


def test_too_many_classes_and_groups_are_a_stated_outcome() -> None:
    n, k = 4_000, 30
    rng = np.random.default_rng(0)
    names = [f"c{i}" for i in range(k)]
    shares = rng.random((n, k)) / k
    three = PROTECTED.replace('positive = "late"', f'task = "multiclass"\nclasses = {names}')
    cohorts = pl.DataFrame({"state": rng.choice(list("ABCDEFGH"), n)})
    one = fairness(charter(three), Pairs(rng.integers(0, k, n).astype(float), shares, shares, Units(None, n)), cohorts)[
        0
    ][0]
    assert "lower its max_values" in one.reason


@pytest.mark.parametrize("world", [WIDENS, World((0, 0, 0), (0, 0, 0)), replace(WIDENS, entities=300)])
def test_intervals_hold_the_truth(world: World) -> None:
    """100 runs of each here, a thousand in `make bench`. Of a true 0.95 fewer than 0.89 are seen once in 200 times."""
    assert min(coverage(world, "demographic_parity", 1_500, 100)) >= 0.89


def test_equally_fair_models_are_seldom_called_worse() -> None:
    rng, equal = np.random.default_rng(5), World((0, 0.2, 0.4), (0, 0.2, 0.4))
    runs = [fairness(charter(compare=MARGIN), *equal.draw(rng, 2_000), seed=i)[0] for i in range(40)]
    assert sum(any(one.verdict is Verdict.WORSE for one in run) for run in runs) <= 4


def test_they_are_kept_in_a_scorecard() -> None:
    results, rates = fairness(charter(compare=MARGIN), *drawn(WIDENS, 2_000))
    blank = Scorecard(
        "o", None, "x", START, START, START, 0, (), "", "", (), "", 0, "", fairness=results, fairness_rates=rates
    )
    back = Scorecard.from_json(blank.to_json())
    assert (back.fairness, back.fairness_rates) == (results, rates)
    assert back.fairness[0].verdict is Verdict.WORSE


def test_missing_labels_widen_intervals_by_the_worst_that_they_could_be_and_no_further_where_none_is_needed() -> None:
    pairs, cohorts = drawn(replace(WIDENS, prevalence=0.5), 400, seed=3)
    places = np.random.default_rng(1).choice(400, 5, replace=False)
    labels = pairs.labels.copy()
    labels[places] = np.nan
    some = {one.measure: one for one in fairness(charter(), pairs.labelled(labels), cohorts)[0]}
    every = []
    for values in product((0.0, 1.0), repeat=5):
        labels[places] = values
        every.append({one.measure: one for one in fairness(charter(), pairs.labelled(labels), cohorts)[0]})
    odds, parity = some["equalized_odds"], some["demographic_parity"]
    found = [one["equalized_odds"].difference for one in every]
    assert odds.ci_low < odds.bound_low <= min(found) <= max(found) <= odds.bound_high < odds.ci_high
    assert "by the labels that are missing" in odds.sentence
    # What is said needs no label.
    whole = every[0]["demographic_parity"]
    assert (parity.difference, parity.n) == (whole.difference, 400)
    assert (parity.ci_low, parity.ci_high) == pytest.approx((whole.ci_low, whole.ci_high), abs=0.01)
    assert parity.bound_low is None


@pytest.mark.parametrize(("missing", "state"), [(0.02, "blocked"), (0.9, "held")])
def test_gates_decide_where_missing_labels_cannot_turn_them_round(missing: float, state: str) -> None:
    world = replace(WIDENS, prevalence=0.5)
    pairs, cohorts = drawn(world, 20_000)
    gone = np.random.default_rng(1).random(20_000) < missing
    some = pairs.labelled(np.where(gone, np.nan, pairs.labels))
    results, _ = fairness(charter(compare=MARGIN), some, cohorts)
    odds = [one for one in results if one.measure == "equalized_odds"]
    (gate,) = fairness_gates(odds)
    assert gate.state == state
    if state == "held":
        assert "find labels" in gate.next_step


def test_several_classes_are_bounded_too() -> None:
    rng, n = np.random.default_rng(0), 300
    labels = rng.integers(0, 3, n).astype(float)
    first, second = (rng.dirichlet(np.ones(3), n) for _ in range(2))
    pairs = Pairs(labels, first, second, Units(None, n))
    cohorts = pl.DataFrame({"state": rng.choice(["A", "B"], n)})
    asked = charter()
    asked = asked.model_copy(
        update={
            "loop": asked.loop.model_copy(
                update={"task": Task.MULTICLASS, "classes": ("x", "y", "z"), "positive": None}
            )
        }
    )
    places = rng.choice(n, 3, replace=False)
    open_ = labels.copy()
    open_[places] = np.nan
    some = {one.measure: one for one in fairness(asked, pairs.labelled(open_), cohorts)[0]}
    for values in product((0.0, 1.0, 2.0), repeat=3):
        filled = labels.copy()
        filled[places] = values
        for one in fairness(asked, pairs.labelled(filled), cohorts)[0]:
            if one.measure != "demographic_parity":
                assert some[one.measure].bound_low <= one.difference <= some[one.measure].bound_high
