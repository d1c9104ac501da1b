"""The error rates a release is staked on, by seeded simulation. Longer: `python -m tests.bench compare`."""

from __future__ import annotations

import numpy as np

from loop_core.vocabulary import Verdict
from tests.compare.releases import decided_after, equal_models, exchangeable, one_harmed


def test_equal_challengers_are_blocked_at_most_5_times_in_100():
    rng = np.random.default_rng(1)
    runs = [equal_models(rng, exchangeable)[0] for _ in range(200)]
    assert runs.count("blocked") / len(runs) <= 0.05


def test_a_cohort_harmed_by_twice_its_margin_is_let_through_at_most_5_times_in_100():
    rng = np.random.default_rng(2)
    runs = [one_harmed(rng, 2) for _ in range(60)]
    assert sum(state == "passed" for state, _ in runs) <= 3
    assert sum(verdict is Verdict.WORSE for _, verdict in runs) > 40


def test_the_rows_asked_for_decide_at_least_80_times_in_100():
    rng = np.random.default_rng(3)
    decided = [found for found in (decided_after(rng, 1.0) for _ in range(120)) if found is not None]
    assert len(decided) > 40
    assert sum(decided) / len(decided) >= 0.8 - 2 * np.sqrt(0.16 / len(decided))
