"""How often 95 % intervals of a metric contain the truth, and how often there is one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from loop_core.compare import Estimate, estimate
from tests.compare.worlds import pairs_of, terms_at, truth


@dataclass(frozen=True)
class Coverage:
    """What many runs of one metric in one world came to."""

    metric: str
    n: int
    """Rows of each run."""
    prevalence: float
    clustered: bool
    runs: int
    estimable: float
    """Share of the runs in which there was an interval, 0..1."""
    covered: float
    """Share of these in which it contained the truth, 0..1; NaN: in none."""
    below: float
    """Share in which the truth lay below it."""


def coverage(metric: str, n: int, prevalence: float, clustered: bool, runs: int, seed: int = 0) -> Coverage:
    """Many comparisons of two models whose difference is known.

    Args:
        metric: one of `METRICS`.
        n: rows of each.
        prevalence: of the positive class (of the rarest, of several).
        clustered: whether five rows go together.
        runs: comparisons.
        seed: of the rows.
    """
    true, terms = truth(metric, prevalence, clustered, 10 if n > 10_000 else 2), terms_at(prevalence)
    rng = np.random.default_rng([seed, n, int(prevalence * 1000), int(clustered)])
    hits = there = below = 0
    for _ in range(runs):
        found = estimate(metric, pairs_of(metric, rng, n, prevalence, clustered), terms)
        if isinstance(found, Estimate):
            there += 1
            hits += found.ci_low <= true <= found.ci_high
            below += true < found.ci_low
    covered = hits / there if there else float("nan")
    return Coverage(
        metric, n, prevalence, clustered, runs, there / runs, covered, below / there if there else float("nan")
    )
