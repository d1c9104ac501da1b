"""What holds for every measure of drift, those not written yet too; and what scipy says of the same data."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import jensenshannon
from scipy.stats import chi2_contingency, entropy, ks_2samp, wasserstein_distance

from loop_core.errors import UnknownNameError
from loop_core.monitor.drift import METHODS
from loop_core.monitor.drift.base import filled_shares, row_counts
from loop_core.monitor.drift.registry import measure_named
from loop_core.monitor.profiles import CategoryBins, NumberBins
from loop_core.monitor.profiles.binning import LEVELS

NUMBER = NumberBins(tuple(np.linspace(-2, 2, 8)))
CATEGORY = CategoryBins(tuple("abcdefg"), frozenset())
CASES = [(m, b) for m in METHODS.values() for b in (NUMBER, CATEGORY) if not m.applies(b)]
EACH = pytest.mark.parametrize(("measure", "bins"), CASES, ids=lambda x: getattr(x, "name", type(x).__name__))
ROWS = pytest.mark.parametrize("measure", METHODS.values(), ids=METHODS)
TEN = st.lists(st.integers(0, 5_000), min_size=10, max_size=10)


def test_every_measure_is_registered_under_its_name_and_has_a_title():
    from loop_core.monitor.drift.titles import TITLES

    assert {measure.name for measure in METHODS.values()} == set(METHODS) == set(TITLES)
    with pytest.raises(UnknownNameError, match="psi"):
        measure_named("psy")


def test_numbers_have_no_unseen_categories_and_categories_no_order():
    assert METHODS["unseen"].applies(NUMBER)
    assert METHODS["binned_wasserstein"].applies(CATEGORY)
    assert METHODS["kolmogorov_smirnov"].applies(NumberBins(()))


@EACH
@given(counts=TEN)
@settings(max_examples=40)
def test_equal_windows_are_0_apart(measure, bins, counts):
    counts = np.array(counts, dtype=float)
    value = measure.binned(counts, counts, bins)
    assert np.isnan(value) or value == pytest.approx(0, abs=1e-9)


@EACH
@given(first=TEN, second=TEN)
@settings(max_examples=40)
def test_never_negative_never_infinite(measure, bins, first, second):
    value = measure.binned(np.array(first, dtype=float), np.array(second, dtype=float), bins)
    assert np.isnan(value) or 0 <= value < np.inf


@EACH
def test_an_empty_window_is_not_a_zero_and_one_row_is_a_number_or_said_not_to_be(measure, bins):
    usual, none, one = np.full(10, 20.0), np.zeros(10), np.eye(10)[0]
    value = float(measure.binned(usual, none, bins))
    assert np.isnan(value) or value > 0
    assert np.isfinite(measure.binned(usual, one, bins))


@EACH
def test_many_windows_at_once_are_the_same_as_one_by_one(measure, bins):
    table = np.random.default_rng(0).integers(0, 50, size=(6, 10)).astype(float)
    usual = np.full(10, 20.0)
    together = measure.binned(usual, table, bins)
    assert np.allclose(together, [measure.binned(usual, row, bins) for row in table])
    assert np.allclose(together, measure.binned(np.tile(usual, (6, 1)), table, bins))


@EACH
def test_the_sum_of_windows_is_what_counts_not_their_order(measure, bins):
    parts = np.random.default_rng(1).integers(0, 50, size=(4, 10)).astype(float)
    usual = np.arange(10.0) + 1
    assert measure.binned(usual, parts.sum(axis=0), bins) == measure.binned(usual, parts[::-1].sum(axis=0), bins)


@ROWS
@pytest.mark.parametrize("kind", ["number", "category"])
def test_row_order_does_not_matter_and_odd_columns_are_stated(measure, kind):
    rng = np.random.default_rng(2)
    usual, now = rng.normal(size=500), rng.normal(0.5, 1, 300)
    null, odd = np.nan, [np.inf, -np.inf, 0.0]
    if kind == "category":
        usual, now = (np.clip(np.round(x * 2 + 4), 0, 9).astype(int) for x in (usual, now))
        null, odd = -1, [99, 98, 0]
    value = measure.exact(usual, now)[0]
    again = measure.exact(rng.permutation(usual), rng.permutation(now))[0]
    assert np.isclose(value, again, equal_nan=True)
    for column in ([], [null] * 20, [usual[0]] * 20, [usual[0]], odd):
        for pair in ((usual, np.array(column, usual.dtype)), (np.array(column, usual.dtype), now)):
            found = measure.exact(*pair)[0]
            assert np.isnan(found) or 0 <= found < np.inf


def test_psi_is_both_relative_entropies():
    r, c = np.array([40.0, 30, 20, 10]), np.array([10.0, 20, 30, 40])
    p, q = filled_shares(r, c)
    assert METHODS["psi"].binned(r, c, NUMBER) == pytest.approx(entropy(p, q) + entropy(q, p), rel=1e-12)


def test_jensen_shannon_is_scipys():
    r, c = np.array([40.0, 30, 20, 0]), np.array([10.0, 0, 30, 40])
    value = METHODS["jensen_shannon"].binned(r, c, NUMBER)
    assert value == pytest.approx(jensenshannon(r / r.sum(), c / c.sum(), base=2), rel=1e-9)


def test_wasserstein_on_rows_is_scipys_and_from_bins_close():
    rng = np.random.default_rng(3)
    usual, now = rng.normal(5, 2, 4_000), rng.normal(6, 2, 2_000)
    exact = METHODS["binned_wasserstein"].exact(usual, now)[0]
    assert exact == pytest.approx(wasserstein_distance(usual, now) / usual.std(), rel=1e-12)
    bins = NumberBins.learn(np.quantile(usual, LEVELS)).with_decades(float(np.median(usual)))
    assert METHODS["binned_wasserstein"].binned(*row_counts(usual, now), bins) == pytest.approx(exact, rel=0.15)


def test_kolmogorov_smirnov_on_rows_is_scipys_and_from_bins_just_below():
    rng = np.random.default_rng(4)
    usual, now = rng.normal(0, 1, 3_000), rng.normal(0.2, 1, 500)
    value, p = METHODS["kolmogorov_smirnov"].exact(usual, now)
    assert (value, p) == pytest.approx(tuple(ks_2samp(usual, now, method="asymp")))
    binned = METHODS["kolmogorov_smirnov"].binned(*row_counts(usual, now), NUMBER)
    assert value - 0.05 <= binned <= value + 1e-9


def test_chi_squared_is_scipys():
    rng = np.random.default_rng(5)
    usual, now = rng.choice(5, 2_000), rng.choice(5, 300, p=[0.3, 0.2, 0.2, 0.2, 0.1])
    value, p = METHODS["chi_squared"].exact(usual, now)
    table = np.stack(row_counts(usual, now))[:, :-1]
    expected = chi2_contingency(table, correction=False)
    assert value / (1 / 2_000 + 1 / 300) == pytest.approx(expected.statistic, rel=1e-9)
    assert p == pytest.approx(expected.pvalue, rel=1e-9)


def test_missing_and_unseen_are_shares_of_all_rows():
    usual, now = np.array([0, 1, 1, -1]), np.array([0, 2, 2, -1, -1])
    assert METHODS["missing"].exact(usual, now)[0] == pytest.approx(0.4 - 0.25)
    assert METHODS["unseen"].exact(usual, now)[0] == pytest.approx(0.4 - 0.25)
    counts = np.array([2.0, 1, 0, 2, 2]), np.array([3.0, 1, 0, 1, 5])
    assert METHODS["unseen"].binned(counts[1], counts[0], CATEGORY) == pytest.approx(2 / 7 - 0.1)
    assert METHODS["unseen"].binned(counts[0], counts[1], CATEGORY) == 0
