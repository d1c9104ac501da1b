"""Intervals hold what they promise: they contain the truth 95 times in 100, whatever the metric, rows and entities."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loop_core.charter import Cohort
from loop_core.compare import METRICS, Estimate, NotEstimable, Pairs, Units, estimate, estimates, everybody
from loop_core.compare.groups import Grouping, grouped
from loop_core.compare.interval import intervals
from loop_core.compare.metrics.bias import BIAS
from loop_core.compare.metrics.binned import Binned
from loop_core.compare.metrics.ece import ECE
from loop_core.vocabulary import Task
from tests.bench.coverage import coverage
from tests.compare.worlds import pairs_of, task_of, terms_at

#: A long table over n, prevalence and entities: `python -m tests.bench coverage`.
RUNS = 300
#: Three standard errors of 300 runs at 95 % on each side of what the long table shows.
LOW, HIGH = 0.91, 0.985


@pytest.mark.parametrize("clustered", [False, True], ids=["rows", "entities"])
@pytest.mark.parametrize("metric", METRICS)
def test_the_interval_covers_the_truth(metric: str, clustered: bool) -> None:
    found = coverage(metric, 12_000 if metric == "ece" else 1500, 0.5, clustered, RUNS)
    assert found.estimable == 1
    assert LOW <= found.covered <= HIGH


@pytest.mark.parametrize("metric", ["log_loss", "auc", "average_precision", "recall", "f1"])
def test_the_interval_covers_the_truth_where_positives_are_rare(metric: str) -> None:
    found = coverage(metric, 4000, 0.02, False, RUNS)
    assert found.estimable > 0.9
    assert LOW <= found.covered <= HIGH


def test_entities_ignored_would_claim_too_much() -> None:
    from tests.compare.worlds import truth

    true, rng, hits = truth("log_loss", 0.5, True), np.random.default_rng(3), 0
    for _ in range(600):
        found = estimate("log_loss", pairs_of("log_loss", rng, 1500, 0.5, True, units=False), terms_at(0.5))
        hits += found.ci_low <= true <= found.ci_high
    assert hits / 600 < 0.92  # a standard error a sixth too small: 89 in 100


def _difference(gaps: np.ndarray, units: Units | None = None) -> tuple[float, float, float, float, str]:
    """(mean, standard error, lower end, upper end, method) of one mean."""
    group = everybody(len(gaps))
    mean = gaps.mean()
    at = intervals(np.array([mean]), gaps - mean, group, group.blocks(units or Units(None, len(gaps))))
    return mean, at.se[0], at.low[0], at.high[0], at.methods[0]


@pytest.mark.parametrize(("count", "repeats", "low"), [(300, 2000, 0.935), (80, 300, 0.92)])
def test_rows_of_one_entity_count_as_one_witness(count, repeats, low):
    rng, entity = np.random.default_rng(3), np.repeat(np.arange(count), 5)
    hits = 0
    for _ in range(repeats):
        gaps = np.repeat(rng.standard_normal(count), 5) + 0.5 * rng.standard_normal(count * 5)
        _, _, bottom, top, _ = _difference(gaps, Units(entity, count))
        hits += bottom <= 0 <= top
    assert low <= hits / repeats <= 0.975


def test_few_units_are_bootstrapped_and_many_are_not():
    rng = np.random.default_rng(0)
    assert "BCa" in _difference(rng.random(60))[4]
    assert _difference(rng.random(1000))[4] == "t interval, 1,000 rows"


def test_too_few_rows_give_no_interval_but_a_reason():
    found = estimate("mae", Pairs(np.ones(19), np.zeros(19), np.ones(19), Units(None, 19)))
    assert isinstance(found, NotEstimable)
    assert "19 rows" in found.reason
    assert (found.champion, found.challenger) == (1.0, 0.0)
    assert isinstance(estimate("mae", Pairs(*[np.zeros(0)] * 3, Units(None, 0))), NotEstimable)


@pytest.mark.parametrize("metric", METRICS)
def test_rows_of_a_single_entity_have_no_interval(metric: str) -> None:
    pairs = pairs_of(metric, np.random.default_rng(1), 3000, 0.5, False)
    found = estimate(metric, replace(pairs, units=Units(np.zeros(3000, dtype=np.int64), 1)))
    assert isinstance(found, NotEstimable)
    assert "entit" in found.reason


@pytest.mark.parametrize("metric", METRICS)
def test_equal_models_differ_by_exactly_nothing(metric):
    pairs = pairs_of(metric, np.random.default_rng(0), 3000, 0.5, False)
    found = estimate(metric, Pairs(pairs.labels, pairs.champion, pairs.champion, pairs.units))
    assert (found.difference, found.ci_low, found.ci_high) == (0, 0, 0)


@pytest.mark.parametrize("metric", METRICS)
def test_groups_say_what_their_rows_say_alone(metric):
    n = 18_000 if metric == "ece" else 9000
    pairs = pairs_of(metric, np.random.default_rng(1), n, 0.5, True)
    codes = np.random.default_rng(2).integers(0, 3, n)
    together = estimates(metric, pairs, Grouping("c", ("a", "b", "c"), codes), terms_at(0.5))
    for k, found in enumerate(together):
        alone = estimate(metric, pairs.take(np.flatnonzero(codes == k)), terms_at(0.5))
        assert isinstance(found, Estimate)
        assert found.n == alone.n
        for name in ("champion", "challenger", "difference", "se", "ci_low", "ci_high"):
            assert getattr(found, name) == pytest.approx(getattr(alone, name), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("metric", METRICS)
def test_better_is_up(metric):
    pairs = pairs_of(metric, np.random.default_rng(5), 20_000, 0.5, False)
    found = estimate(metric, pairs, terms_at(0.5))
    back = estimate(metric, Pairs(pairs.labels, pairs.challenger, pairs.champion, pairs.units), terms_at(0.5))
    gain = (
        found.challenger - found.champion
        if METRICS[metric].more_is_better
        else abs(found.champion) - abs(found.challenger)
    )
    assert found.difference == pytest.approx(gain)
    assert back.difference == pytest.approx(-found.difference)


@given(st.integers(20, 400), st.integers(0, 2**32 - 1))
def test_an_interval_contains_its_estimate_and_order_does_not_matter(n, seed):
    rng = np.random.default_rng(seed)
    labels, champion, challenger, mixed = rng.random(n), rng.random(n), rng.random(n), rng.permutation(n)
    found = estimate("mae", Pairs(labels, champion, challenger, Units(None, n)))
    assert isinstance(found, Estimate)
    assert found.ci_low <= found.difference <= found.ci_high
    again = estimate("mae", Pairs(labels[mixed], champion[mixed], challenger[mixed], Units(None, n)))
    assert again.difference == pytest.approx(found.difference, abs=1e-12)
    assert again.se == pytest.approx(found.se, rel=1e-9)


def test_the_largest_values_of_a_cohort_are_kept_and_the_rest_is_one_group():
    import polars as pl

    found = grouped(Cohort(name="c", expression="c", max_values=2), pl.Series(["a", "b", "a", "c", "b", "d"]))
    assert found.values == ("a", "b", "(other)")
    assert found.codes.tolist() == [0, 1, 0, 2, 1, 2]
    assert found.sizes.tolist() == [2, 2, 2]


@pytest.mark.parametrize("metric", [m for m in METRICS if task_of(m) is not Task.REGRESSION and m != "ece"])
@pytest.mark.parametrize("entities", [1, 2, 9])
def test_positives_of_a_few_entities_are_few_witnesses(metric: str, entities: int) -> None:
    """All hits in one entity: a recall that cannot vary would be as sure as it is worthless."""
    pairs = pairs_of(metric, np.random.default_rng(1), 3000, 0.5, False)
    kept = np.concatenate([np.flatnonzero(pairs.labels == 1)[:200], np.flatnonzero(pairs.labels != 1)])
    codes = np.concatenate([np.arange(200) % entities, entities + np.arange(len(kept) - 200)])
    found = estimate(metric, replace(pairs.take(kept), units=Units(codes, int(codes.max()) + 1)), terms_at(0.5))
    assert isinstance(found, NotEstimable)
    assert f"only {entities} entities" in found.reason


def test_labels_in_unusual_units_have_the_same_intervals() -> None:
    pairs = pairs_of("mae", np.random.default_rng(1), 500, 0.5, False)
    plain = estimate("mae", pairs)
    for scale in (1e-90, 1e90):
        found = estimate(
            "mae", Pairs(*(x * scale for x in (pairs.labels, pairs.champion, pairs.challenger)), pairs.units)
        )
        assert (found.ci_low / scale, found.ci_high / scale) == pytest.approx((plain.ci_low, plain.ci_high))


def test_entities_of_unequal_size_count_by_what_they_add_to_a_mean_gap() -> None:
    """Where large entities are as biased as small ones, their size adds nothing to the error of a bias."""
    rng = np.random.default_rng(2)
    entities = np.repeat(np.arange(400), rng.integers(1, 30, 400))
    n, labels = len(entities), np.zeros(len(entities))
    scores = [shift + 0.3 * rng.standard_normal(400)[entities] for shift in (4.0, 2.0)]
    found = estimate("bias", Pairs(labels, *scores, Units(entities, 400)))
    totals = np.bincount(entities, scores[0] - scores[1] - (scores[0] - scores[1]).mean())
    assert found.se == pytest.approx(np.sqrt((totals**2).sum() * 400 / 399) / n)


@pytest.mark.parametrize(("champion", "challenger"), [(0.0, 0.0), (0.0, 1.0), (0.0, 4.0), (4.0, 0.0), (2.0, -2.0)])
def test_biases_near_zero_are_not_called_surer_than_they_are(champion: float, challenger: float) -> None:
    """In standard errors; drawn about what was seen, the second of these was missed in 32 of 100 runs."""
    rng, covariance = np.random.default_rng(3), np.array([[1, 0.45], [0.45, 0.25]])
    low, high = np.array([
        BIAS.judge(Binned(means[:, None], np.ones((2, 1)), covariance))[4:]
        for means in rng.multivariate_normal([champion, challenger], covariance, 1000)
    ]).T  # fmt: skip
    truth = abs(champion) - abs(challenger)
    assert np.mean(truth < low) <= 0.045
    assert np.mean(truth > high) <= 0.045


@pytest.mark.parametrize(("champion", "challenger"), [(0.0, 0.0), (0.0, 0.02), (0.02, 0.0), (0.04, 0.06), (0.1, 0.02)])
def test_calibration_errors_near_zero_are_not_called_surer_than_they_are(champion: float, challenger: float) -> None:
    """Gaps of this size in ten equal bins of 3,000 rows; drawn about what was seen, the second was missed in 18 of 100 runs."""
    bins = np.where(np.arange(10) % 2, 0.1, -0.1)
    one = np.eye(10) * 0.1 * 0.2 / 3000
    covariance = np.block([[one, 0.95 * one], [0.95 * one, one]])
    rng = np.random.default_rng(4)
    means = rng.multivariate_normal(np.concatenate([champion * bins, challenger * bins]), covariance, 1000)
    found = np.array([ECE.judge(Binned(m.reshape(2, 10), np.full((2, 10), 0.1), covariance)) for m in means])
    truth = champion - challenger
    assert np.mean((found[:, 4] <= truth) & (truth <= found[:, 5])) >= 0.92
    assert ((found[:, 4] <= found[:, 2]) & (found[:, 2] <= found[:, 5])).all()


@pytest.mark.parametrize("metric", ["accuracy", "precision", "recall", "f1", "cost", "macro_f1"])
def test_answers_alike_on_few_rows_are_no_proof_that_they_always_are(metric: str) -> None:
    """Were one answer in a hundred another, 100 rows would show none of it 37 times in 100."""
    pairs = pairs_of(metric, np.random.default_rng(6), 400, 0.5, False)
    near = 0.999 * pairs.champion + 0.001 / (3 if pairs.champion.ndim == 2 else 2)
    found = estimate(metric, Pairs(pairs.labels, pairs.champion, near, pairs.units), terms_at(0.5))
    assert found.difference == 0
    assert -0.1 < found.ci_low < -1.5 / 400
    assert found.ci_high == -found.ci_low
    assert "told apart" in found.method


def test_no_answer_in_so_many_rows_is_missed_as_often_as_said() -> None:
    share = -estimate(
        "accuracy", Pairs(np.tile([0.0, 1.0], 50), np.full(100, 0.6), np.full(100, 0.7), Units(None, 100))
    ).ci_low
    assert (1 - share) ** 100 == pytest.approx(0.025)
