"""Bins: every value has one, and the natural rate of new values is in the reference."""

from __future__ import annotations

import math

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loop_core.monitor.profiles.binning import LEVELS, MAX_RARE, CategoryBins, NumberBins
from loop_core.monitor.profiles.learn import edges_of

numbers = st.lists(st.floats(allow_nan=True, allow_infinity=True), max_size=50)


def test_numbers_have_quantiles_between_them_and_nulls_last():
    bins = NumberBins.learn([0.0, 0.0, 1.0])
    assert bins.labels == ("≤ -4.94066e-324", "-4.94066e-324 – 0", "0 – 1", "> 1", "(null)")
    found = bins.codes(np.array([-1.0, 0.0, 1.0, np.inf, -np.inf, np.nan]))
    assert found.tolist() == [0, 1, 2, 3, 0, 4]
    assert NumberBins.learn([]).codes(np.array([np.inf, np.nan])).tolist() == [0, 1]


@given(numbers, st.lists(st.floats(allow_nan=False), max_size=19, unique=True))
def test_a_number_lies_above_its_lower_edge_and_not_above_its_upper(values, edges):
    bins = NumberBins(tuple(sorted(edges)))
    for value, code in zip(values, bins.codes(np.array(values, dtype=float)), strict=True):
        ends = (-math.inf, *bins.edges, math.inf)
        if math.isnan(value):
            assert code == len(bins.labels) - 1
        else:
            assert ends[code] < value <= ends[code + 1] or (value == -math.inf and code == 0)


def test_categories_have_the_frequent_the_rare_the_new_and_nulls():
    bins = CategoryBins.learn({f"c{k}": 100 - k for k in range(80)}, once=frozenset({"c79"}))
    assert len(bins.kept) == 50
    texts = pa.array(["c0", "c79", "new", None, "c60"])
    assert bins.codes(texts).tolist() == [0, 50, 51, 52, 50]
    # In the reference itself, what occurs in one window only was new to it.
    inside = np.array([True, True, True, True, True])
    assert bins.codes(texts, inside).tolist() == [0, 51, 51, 52, 50]
    assert bins.codes(texts.dictionary_encode()).tolist() == [0, 50, 51, 52, 50]
    assert bins.codes(texts.dictionary_encode(), inside).tolist() == [0, 51, 51, 52, 50]


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.string_view()])
def test_texts_of_every_arrow_kind(kind):
    assert CategoryBins.learn({"a": 1}).codes(pa.array(["a", None, "b"]).cast(kind)).tolist() == [0, 3, 2]


def test_more_rare_values_than_are_remembered_count_as_new_in_the_reference_too():
    bins = CategoryBins.learn({f"v{k:06d}": 1 for k in range(MAX_RARE + 10)})
    assert len(bins.rare) == MAX_RARE
    assert bins.codes(pa.array([f"v{MAX_RARE + 1:06d}"]), np.array([True])).tolist() == [1]


@given(numbers, st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=12, unique=True))
def test_a_histogram_is_the_codes_counted(values, edges):
    bins, rows = NumberBins(tuple(sorted(edges))), np.array(values, dtype=float)
    counted = np.bincount(bins.codes(rows), minlength=len(bins.labels))
    assert bins.histogram(rows).tolist() == counted.tolist()


def test_bins_reach_into_the_tails_and_by_decades_beyond():
    rows = np.random.default_rng(0).normal(10, 2, 50_000)
    edges, inner = edges_of(rows).edges, np.quantile(rows, LEVELS, method="inverted_cdf")
    assert edges[3:-3] == tuple(inner)
    middle, reach = np.median(rows), inner[-1] - np.median(rows)
    assert edges[-3:] == pytest.approx(middle + reach * np.array([10, 100, 1_000]), rel=1e-3)
    assert edges[2] == pytest.approx(middle - 10 * (middle - inner[0]), rel=1e-3)


@pytest.mark.parametrize(
    "rows", [[], [np.nan], [7.0] * 9, [np.inf, -np.inf], [1e308, -1e308, 0.0], [np.inf] * 9 + [1.0]]
)
def test_odd_references_have_bins_too(rows):
    bins = edges_of(np.array(rows, dtype=float))
    assert all(math.isfinite(edge) for edge in bins.edges)
    assert bins.histogram(np.array([-1e300, 0.0, 1e300, np.nan, np.inf])).sum() == 5
