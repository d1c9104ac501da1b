"""The rules of a verdict, as a table, and the promises of its numbers, as simulations."""

from __future__ import annotations

import numpy as np
import pytest

from loop_core.compare.verdict import p_worse, rejected, rows_needed, verdict
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
