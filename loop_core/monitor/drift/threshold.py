"""The PSI that a quiet window reaches by chance alone: learned for the window's row count, not taken from folklore."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from loop_core.monitor.drift.psi import psi

Counts = npt.NDArray[np.float64]

DRAWS = 1000
SEED = 20180827


def learned_threshold(reference: Counts, n_current: int, alarm_share: float) -> float:
    """The (1 − alarm_share) quantile of the PSI between quiet windows of n_current rows and the reference.

    A quiet window is drawn from the reference period: one of its windows is taken at random, its shares are moved
    towards the whole period's by as much as their difference is sampling noise, and n_current rows are drawn. So a
    column that always swings from week to week has to swing more than it used to, and one that does not has to
    move only beyond chance. Between powers of two of n_current it is interpolated, log to log.

    Args:
        reference: (windows, K) counts per bin of each window of the reference period.
        n_current: rows of the current window.
        alarm_share: chance that one quiet window exceeds it, in (0, 1).

    Source: parametric bootstrap; the shrinkage is the method of moments of a random-effects model.
    """
    exponent = math.log2(max(n_current, 2))
    below, above = math.floor(exponent), math.ceil(exponent)
    first, second = (_at_size(reference.tobytes(), reference.shape[1], 2**e, alarm_share) for e in (below, above))
    between = math.exp(math.log(first) + (exponent - below) * (math.log(second) - math.log(first)))
    # Pseudo-counts alone move the shares of a small window; a column that cannot vary is never over that.
    total = reference.sum(axis=0)
    unmoved = float(psi(total, total * n_current / max(total.sum(), 1.0)))
    return max(between, unmoved * (1 + 1e-9) + 1e-12)


def natural_swing(reference: Counts) -> float:
    """How much of the difference between the reference's windows is real, 0 (all sampling noise) to 1.

    0 unless they differ beyond chance (chi-squared test of homogeneity at 1 %).

    Args:
        reference: (windows, K) counts per bin.
    """
    from scipy.special import chdtri

    rows = reference.sum(axis=1, keepdims=True)
    expected = rows * reference.sum(axis=0, keepdims=True) / max(reference.sum(), 1.0)
    inside = expected > 0
    surplus = float((((reference - expected) ** 2)[inside] / expected[inside]).sum())
    freedom = (np.count_nonzero(rows) - 1) * (np.count_nonzero(reference.sum(axis=0)) - 1)
    if freedom < 1 or surplus <= chdtri(freedom, 0.01):
        return 0.0
    return math.sqrt(1 - freedom / surplus)


@lru_cache(maxsize=4096)
def _at_size(counts: bytes, bins: int, n_current: int, alarm_share: float) -> float:
    reference = np.frombuffer(counts, dtype=np.float64).reshape(-1, bins)
    reference = reference[reference.sum(axis=1) > 0]
    rng = np.random.default_rng(SEED)
    total = reference.sum(axis=0)
    shares = total / total.sum()
    current = rng.multinomial(n_current, _quiet_shares(reference, shares, rng))
    whole = rng.multinomial(int(total.sum()), shares, size=DRAWS)
    # A constant column never moves by chance; the smallest number keeps the logarithm.
    return max(float(np.quantile(psi(whole, current), 1 - alarm_share)), 1e-12)


def _quiet_shares(reference: Counts, shares: Counts, rng: np.random.Generator) -> Counts:
    """(DRAWS, K) shares of quiet windows."""
    swing = natural_swing(reference)
    if swing == 0:
        return np.broadcast_to(shares, (DRAWS, len(shares)))
    rows = reference.sum(axis=1)
    own, windows = reference / rows[:, None], len(reference)
    # A new window varies around the pooled mean (W + 1) / (W − 1) times as much as those that made the mean do.
    spread = np.sqrt(rows / rows.sum() * (windows + 1) / (windows - 1))
    mixed: Counts = np.clip(shares + swing * ((rng.normal(size=(DRAWS, windows)) * spread) @ (own - shares)), 0, None)
    normed: Counts = mixed / mixed.sum(axis=1, keepdims=True)
    return normed
