"""The rules of a verdict, as a table, and the promises of its numbers, as simulations."""

from __future__ import annotations

import numpy as np
import pytest

from loop_core.compare.verdict import MOST_ROWS, p_worse, rejected, rows_needed, verdict
from loop_core.vocabulary import Verdict

B, N, W, I = Verdict.BETTER, Verdict.NOT_WORSE, Verdict.WORSE, Verdict.INCONCLUSIVE  # noqa: E741 - reads as a table


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0.001, 0.02, B),
        (0.0, 0.02, N),  # exactly zero is not a gain
        (-0.009, 0.02, N),
        (-0.009, -0.001, N),  # surely a little worse, but within the margin
        (-0.01, 0.02, I),  # exactly the margin is not within it
        (-0.05, 0.02, I),
        (-0.05, 0.0, I),
        (-0.05, -0.001, W),
        (-0.05, -0.02, W),
        (0.0, 0.0, N),  # the same model
    ],
)
def test_the_table_of_verdicts(low, high, expected):
    assert verdict(low, high, margin=0.01) is expected


@pytest.mark.parametrize("truth", [0.0, -0.005, -0.01, 0.005])
def test_the_rows_asked_for_decide_at_least_80_times_in_100(truth):
    rng, margin, spread, n = np.random.default_rng(7), 0.01, 0.3, 500
    decided = tried = 0
    for _ in range(4000):
        first = rng.normal(truth, spread / np.sqrt(n))
        se = spread / np.sqrt(n)
        if verdict(first - 1.96 * se, first + 1.96 * se, margin) is not Verdict.INCONCLUSIVE:
            continue
        more = rows_needed(n, se, margin)
        total = n + more
        mean = (first * n + rng.normal(truth, spread / np.sqrt(more)) * more) / total
        half = 1.96 * spread / np.sqrt(total)
        tried += 1
        decided += verdict(mean - half, mean + half, margin) is not Verdict.INCONCLUSIVE
    assert decided / tried >= 0.79  # 80 % but for the noise of this simulation


def test_equal_cohorts_are_rarely_called_worse():
    rng = np.random.default_rng(11)
    runs = 4000
    z = rng.standard_normal((runs, 12))
    some = sum(any(rejected([p_worse(d, 1.0) for d in row])) for row in z)
    assert some / runs <= 0.035  # one-sided 2.5 % for all twelve together


def test_a_false_discovery_correction_of_nothing_is_nothing():
    assert rejected([]) == []
    assert p_worse(-0.1, 0.0) == 0.0
    assert p_worse(0.0, 0.0) == 1.0


@pytest.mark.parametrize("share", [0.3, 1.0, 1.4, 1.7, 1.9])
def test_they_decide_as_often_where_hardly_any_are_missing(share):
    """Undecided at a standard error of δ / 2 / share: from 1.7 on the rows there would do, had nobody looked at them."""
    rng, margin, n, runs = np.random.default_rng(8), 0.01, 500, 20_000
    se = margin / 2 / share
    first = rng.normal(-margin / 2, se, runs)
    first = first[(first - 1.96 * se <= -margin) & (first + 1.96 * se >= 0)]
    more = rows_needed(n, se, margin)
    later = rng.normal(-margin / 2, se * np.sqrt(n / more), len(first))
    mean, half = (first * n + later * more) / (n + more), 1.96 * se * np.sqrt(n / (n + more))
    assert np.mean((mean - half > -margin) | (mean + half < 0)) >= 0.79


def test_a_margin_that_no_number_of_rows_would_do_for():
    assert rows_needed(1000, 0.01, 1e-300) == rows_needed(1000, 0.01, 1e-160) == MOST_ROWS
    assert rows_needed(1000, 0.01, 1e300) == 1


def test_a_p_value_says_what_its_interval_says():
    """Of few witnesses intervals are wider than normal ones; a correction by normal tails would take that back."""
    t_of_five = 2.570582
    assert p_worse(-t_of_five, 1.0, reach=t_of_five) == pytest.approx(0.025, abs=1e-6)
    assert p_worse(-4.0, 1.0, reach=t_of_five) == pytest.approx(0.00516, abs=1e-5)
    assert p_worse(-4.0, 1.0, reach=1.0) == p_worse(-4.0, 1.0)
