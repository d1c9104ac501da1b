"""Learned thresholds keep their promise at every window size; folklore does not."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from loop_core.monitor.drift.psi import Psi, psi
from loop_core.monitor.drift.swing import natural_swing
from loop_core.monitor.drift.threshold import Chance, Chances
from loop_core.monitor.profiles import NumberBins

SHARES = np.r_[np.full(20, 0.049), 0.02]


def learned_threshold(reference, n, level):
    """The PSI that a quiet window of n rows exceeds with the chance `level`."""
    chances = Chances([Chance(Psi(), NumberBins(()), reference)], np.array([[n]]))
    return float(chances.thresholds(np.array([[level]]))[0, 0])


@pytest.mark.parametrize(("n", "least"), [(100, 0.03), (1_000, 0.015), (3_000, 0.002)])
def test_quiet_windows_exceed_it_at_most_as_often_as_asked(n, least):
    rng = np.random.default_rng(n)
    over = folklore = runs = 0
    for _ in range(60):
        reference = rng.multinomial(1_000, SHARES, size=13).astype(float)
        limit = learned_threshold(reference, n, 0.05)
        index = psi(reference.sum(axis=0), rng.multinomial(n, SHARES, size=100))
        over, folklore, runs = over + (index > limit).sum(), folklore + (index > 0.1).sum(), runs + 100
    # Less than asked where the window is large: a swing that a reference of 13 windows cannot show is allowed for.
    assert least <= over / runs <= 0.07
    assert (folklore / runs > 0.9) if n == 100 else (folklore / runs < 0.01)


def test_a_column_that_always_swings_must_swing_more_than_that():
    rng = np.random.default_rng(0)
    shares = rng.dirichlet(SHARES * 200, size=40)
    swinging = np.stack([rng.multinomial(2_000, p) for p in shares]).astype(float)
    quiet = rng.multinomial(2_000, SHARES, size=40).astype(float)
    assert natural_swing(quiet).size < 0.05 * natural_swing(swinging).size
    assert 0.05 < natural_swing(swinging).size < 0.2
    assert learned_threshold(swinging, 2_000, 0.05) > 3 * learned_threshold(quiet, 2_000, 0.05)
    over = [
        psi(swinging.sum(axis=0), rng.multinomial(2_000, p)) > learned_threshold(swinging, 2_000, 0.05)
        for p in rng.dirichlet(SHARES * 200, size=400)
    ]
    assert np.mean(over) < 0.12


def test_larger_windows_have_lower_thresholds_and_constant_columns_the_lowest():
    reference = np.random.default_rng(1).multinomial(5_000, SHARES, size=13).astype(float)
    limits = [learned_threshold(reference, n, 0.05) for n in (50, 90, 100, 128, 1_000, 10_000)]
    # Each is learned from draws of its own, whose quantiles err by some percent.
    assert all(larger <= 1.05 * smaller for smaller, larger in itertools.pairwise(limits))
    assert learned_threshold(np.array([[500.0, 0.0]]), 300, 0.05) < 0.01
