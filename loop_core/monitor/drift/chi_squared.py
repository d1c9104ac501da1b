"""Chi-squared divergence: the statistic of the homogeneity test, per row."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from loop_core.monitor.drift.base import Values, any_column, divergence_by_chance, row_counts
from loop_core.monitor.profiles import Binning, Counts


def chi_squared(reference: Counts, current: Counts) -> Counts:
    """Σ (c − r)² / p over bins, with shares r and c and the share p of both windows together.

    It is the statistic of the 2 × K table times (1/n + 1/N), so that windows of different row counts can be compared.

    Args:
        reference: (…, K) counts per bin, of N rows.
        current: (…, K) counts per bin, of n rows.

    Returns:
        (…) divergence ≥ 0; NaN where a side has no rows.

    Source: Pearson 1900, "On the criterion …"; for two samples, Fisher 1922.

    >>> float(chi_squared(np.array([50.0, 50.0]), np.array([70.0, 30.0])).round(4))
    0.1667
    """
    reference, current = np.broadcast_arrays(np.asarray(reference, float), np.asarray(current, float))
    big, small = reference.sum(axis=-1, keepdims=True), current.sum(axis=-1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        together = (reference + current) / (big + small)
        terms = (current / small - reference / big) ** 2 / together
    empty = (together == 0) & (big > 0) & (small > 0)
    divergence: Counts = np.where(empty, 0.0, terms).sum(axis=-1)
    return divergence


@dataclass(frozen=True)
class ChiSquared:
    """The divergence as a measure of drift; on rows with the test's p-value, which folklore cuts at 0.05."""

    name: str = "chi_squared"
    folklore: float | None = None
    power: float = 1.0
    is_along_axis: bool = False

    def applies(self, bins: Binning) -> str:
        return any_column(bins)

    def binned(self, reference: Counts, current: Counts, bins: Binning) -> Counts:
        return chi_squared(reference, current)

    def by_chance(self, reference: Counts, current: Counts, bins: Binning) -> Counts:
        return divergence_by_chance(reference, current)

    def psi_factor(self, reference: Counts, current: Counts) -> Counts | float:
        return 1.0

    def exact(self, reference: Values, current: Values) -> tuple[float, float | None]:
        from scipy.special import chdtrc

        usual, now = row_counts(reference, current)
        value = float(chi_squared(usual, now))
        freedom = np.count_nonzero(usual + now) - 1
        if np.isnan(value) or freedom < 1:
            return value, None
        return value, float(chdtrc(freedom, value / (1 / usual.sum() + 1 / now.sum())))
