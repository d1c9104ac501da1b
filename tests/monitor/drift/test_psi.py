"""What must always hold of PSI."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loop_core.monitor.drift.psi import psi

COUNTS = st.lists(st.integers(0, 10_000), min_size=1, max_size=30)


@given(COUNTS)
def test_nothing_moved(counts):
    assert psi(counts, counts) == 0 or not sum(counts)


@given(COUNTS, st.integers(0, 5))
def test_bins_that_are_empty_on_both_sides_count_nothing(counts, empty):
    other = counts[::-1]
    assert np.isclose(psi([*counts, *[0] * empty], [*other, *[0] * empty]), psi(counts, other), equal_nan=True)


def test_two_categories_in_a_small_window_are_what_the_formula_says_by_hand():
    reference, current = np.array([1760, 1619, 0, 0, 0.0]), np.array([36, 34, 0, 0, 0.0])
    r, c = 1760 / 3379, 36 / 70
    by_hand = (c - r) * np.log(c / r) + (r - c) * np.log((1 - c) / (1 - r))
    assert psi(reference, current) == pytest.approx(by_hand, rel=1e-12)
    assert round(float(psi(reference, current)), 4) == 0.0002


def test_half_a_row_stands_where_one_side_alone_is_empty():
    r, c = np.array([0.5, 10.0]) / 10.5, np.array([4.0, 6.0]) / 10
    assert psi([0, 10, 0], [4, 6, 0]) == pytest.approx(float(((c - r) * np.log(c / r)).sum()), rel=1e-12)


def test_a_side_without_rows_has_no_index():
    assert np.isnan(psi([5, 5], [0, 0]))
    assert np.isnan(psi([0, 0], [0, 0]))


@given(st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 10_000)), min_size=1, max_size=30))
def test_never_negative_symmetric_and_finite(pairs):
    first, second = map(list, zip(*pairs, strict=True))
    assert 0 <= psi(first, second) < np.inf or not (sum(first) and sum(second))
    assert np.isclose(psi(first, second), psi(second, first), equal_nan=True)


@given(COUNTS, st.randoms())
def test_the_order_of_bins_does_not_matter(counts, random):
    places = list(range(len(counts)))
    random.shuffle(places)
    other = counts[::-1]
    assert np.isclose(psi(counts, other), psi([counts[p] for p in places], [other[p] for p in places]), equal_nan=True)


def test_an_empty_bin_does_not_decide_alone():
    assert psi([500, 500, 5], [500, 500, 0]) < 0.02


def test_many_windows_at_once():
    table = np.array([[10, 20], [20, 10]])
    assert np.allclose(psi([10, 20], table), [0, psi([10, 20], [20, 10])])
