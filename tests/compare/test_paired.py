"""Paired intervals hold what they promise: they contain the truth 95 times in 100."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loop_core.compare.estimate import Estimate, NotEstimable
from loop_core.compare.paired import paired_difference
from loop_core.monitor.losses import brier_losses, log_losses
from loop_core.monitor.units import Units
from tests.compare.worlds import two_models


@cache
def _truth(loss):
    labels, champion, challenger = two_models(np.random.default_rng(0), 4_000_000)
    return (loss(labels, champion) - loss(labels, challenger)).mean()


@pytest.mark.parametrize("loss", [log_losses, brier_losses])
@pytest.mark.parametrize(
    ("n", "repeats", "low", "high"), [(60, 500, 0.93, 0.98), (500, 2500, 0.935, 0.965), (5000, 1500, 0.935, 0.965)]
)
def test_the_interval_covers_the_truth(loss, n, repeats, low, high):
    truth = _truth(loss)
    rng = np.random.default_rng(n)
    hits = 0
    for _ in range(repeats):
        labels, champion, challenger = two_models(rng, n)
        found = paired_difference(loss(labels, champion), loss(labels, challenger))
        hits += found.ci_low <= truth <= found.ci_high
    assert low <= hits / repeats <= high


def _entities(rng, count, rows_each):
    """Losses that an entity's rows share, as of customers with many orders."""
    common = np.repeat(rng.standard_normal(count), rows_each)
    return common + 0.5 * rng.standard_normal(count * rows_each), np.repeat(np.arange(count), rows_each)


@pytest.mark.parametrize(("count", "repeats", "low"), [(300, 2000, 0.935), (80, 300, 0.92)])
def test_rows_of_one_entity_count_as_one_witness(count, repeats, low):
    rng = np.random.default_rng(3)
    clustered = naive = 0
    for _ in range(repeats):
        gaps, entity = _entities(rng, count, 5)
        zero = np.zeros_like(gaps)
        found = paired_difference(gaps, zero, Units.of(entity.tolist(), len(gaps)))
        alone = paired_difference(gaps, zero)
        clustered += found.ci_low <= 0 <= found.ci_high
        naive += alone.ci_low <= 0 <= alone.ci_high
    assert low <= clustered / repeats <= 0.97
    assert naive / repeats < 0.8  # ignoring the entities would claim far too much


def test_too_few_rows_give_no_interval_but_a_reason():
    found = paired_difference(np.ones(19), np.zeros(19))
    assert isinstance(found, NotEstimable)
    assert "19 rows" in found.reason
    assert (found.champion, found.challenger) == (1.0, 0.0)
    assert isinstance(paired_difference(np.zeros(0), np.zeros(0)), NotEstimable)


def test_equal_models_differ_by_exactly_nothing():
    same = np.random.default_rng(0).random(500)
    found = paired_difference(same, same)
    assert (found.difference, found.ci_low, found.ci_high) == (0, 0, 0)


@given(st.integers(20, 400), st.integers(0, 2**32 - 1))
def test_an_interval_contains_its_estimate_and_order_does_not_matter(n, seed):
    rng = np.random.default_rng(seed)
    champion, challenger, mixed = rng.random(n), rng.random(n), rng.permutation(n)
    found = paired_difference(champion, challenger)
    assert isinstance(found, Estimate)
    assert found.ci_low <= found.difference <= found.ci_high
    again = paired_difference(champion[mixed], challenger[mixed])
    assert again.difference == pytest.approx(found.difference, abs=1e-12)
    assert again.se == pytest.approx(found.se, rel=1e-9)
