"""Means of skewed gaps: how often they are called negative by chance, beside a plain t test; and what always holds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ttest_1samp

from loop_core.compare.skewed import _back, _straightened, skewed_mean
from loop_core.monitor.units import Units

RUNS, ROWS = 3_000, 200
WORLDS = {
    "seldom much better": lambda rng: rng.gamma(0.3, 1 / 0.3, (RUNS, ROWS)) - 1,
    "seldom much worse": lambda rng: 1 - rng.gamma(0.3, 1 / 0.3, (RUNS, ROWS)),
    "few differ": lambda rng: rng.choice([-1.0, 0.0, 1.0], (RUNS, ROWS), p=[0.03, 0.94, 0.03]),
    "plain": lambda rng: rng.standard_normal((RUNS, ROWS)),
}


@pytest.mark.parametrize("name", WORLDS)
def test_no_more_means_are_called_negative_than_said(name: str) -> None:
    """At 0.5 %: within what 3,000 runs can tell, with a fifth more for what the correction leaves of skewness 3.7."""
    gaps = WORLDS[name](np.random.default_rng(0))
    called = sum(skewed_mean(one, Units(None, ROWS)).p_below < 0.005 for one in gaps)
    assert called <= 1.2 * 0.005 * RUNS + 3 * np.sqrt(0.005 * RUNS)
    if name == "seldom much better":
        plain = np.count_nonzero(ttest_1samp(gaps, 0, axis=1, alternative="less").pvalue < 0.005)
        assert plain > 2 * called


def test_without_skewness_it_is_a_t_test() -> None:
    gaps = np.concatenate([x := np.random.default_rng(0).standard_normal(50), -x]) - 0.1
    found, plain = skewed_mean(gaps, Units(None, 100)), ttest_1samp(gaps, 0, alternative="less")
    assert found.p_below == pytest.approx(plain.pvalue)
    both = ttest_1samp(gaps, 0).confidence_interval(0.95)
    assert (found.ci_low, found.ci_high) == pytest.approx((both.low, both.high))


def test_rows_of_one_unit_are_one_witness() -> None:
    gaps = np.random.default_rng(0).standard_normal(60) - 0.3
    units = Units(np.repeat(np.arange(60), 4), 60)
    alone, repeated = skewed_mean(gaps, Units(None, 60)), skewed_mean(np.repeat(gaps, 4), units)
    assert repeated.p_below == pytest.approx(alone.p_below)
    assert (repeated.ci_low, repeated.ci_high) == pytest.approx((alone.ci_low, alone.ci_high))


@given(st.lists(st.floats(-100, 100), min_size=2, max_size=40), st.floats(-3, 3))
def test_what_always_holds(values: list[float], t: float) -> None:
    found = skewed_mean(np.array(values), Units(None, len(values)))
    assert found.ci_low <= found.mean <= found.ci_high
    assert 0 <= found.p_below <= 1


@given(st.floats(-6, 6), st.floats(-0.8, 0.8))
def test_the_transformation_has_an_inverse(t: float, lean: float) -> None:
    assert _back(_straightened(t, lean), lean) == pytest.approx(t, abs=1e-4)
