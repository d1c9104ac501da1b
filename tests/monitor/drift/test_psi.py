"""What must always hold of PSI."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from loop_core.monitor.drift.psi import psi

COUNTS = st.lists(st.integers(0, 10_000), min_size=1, max_size=30)


@given(COUNTS)
def test_nothing_moved(counts):
    assert psi(counts, counts) == 0


@given(st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 10_000)), min_size=1, max_size=30))
def test_never_negative_symmetric_and_finite(pairs):
    first, second = map(list, zip(*pairs, strict=True))
    assert 0 <= psi(first, second) < np.inf
    assert np.isclose(psi(first, second), psi(second, first))


@given(COUNTS, st.randoms())
def test_the_order_of_bins_does_not_matter(counts, random):
    places = list(range(len(counts)))
    random.shuffle(places)
    other = counts[::-1]
    assert np.isclose(psi(counts, other), psi([counts[p] for p in places], [other[p] for p in places]))


def test_an_empty_bin_does_not_decide_alone():
    assert psi([500, 500, 5], [500, 500, 0]) < 0.02


def test_many_windows_at_once():
    table = np.array([[10, 20], [20, 10]])
    assert np.allclose(psi([10, 20], table), [0, psi([10, 20], [20, 10])])
