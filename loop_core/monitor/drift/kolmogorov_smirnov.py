"""Kolmogorov–Smirnov distance: the largest difference between two cumulative distributions."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from loop_core.monitor.drift.base import Values, is_number, known, only_numbers, sampling_noise
from loop_core.monitor.profiles import Binning, Counts


def binned_distance(reference: Counts, current: Counts) -> Counts:
    """The largest difference at an edge of the bins: the exact one, or up to the largest bin's share below it.

    Args:
        reference: (…, K) counts per bin in ascending order, nulls last (left out).
        current: (…, K) counts per bin.

    Returns:
        (…) distance in [0, 1]; NaN where a side has no value.

    >>> float(binned_distance(np.array([50.0, 50.0, 0.0]), np.array([80.0, 20.0, 9.0])).round(2))
    0.3
    """
    r, c = reference[..., :-1], current[..., :-1]
    with np.errstate(invalid="ignore", divide="ignore"):
        apart = np.cumsum(c / c.sum(axis=-1, keepdims=True) - r / r.sum(axis=-1, keepdims=True), axis=-1)
    distance: Counts = np.minimum(np.abs(apart).max(axis=-1), 1.0)
    return distance


@dataclass(frozen=True)
class KolmogorovSmirnov:
    """The distance as a measure of drift; on rows with the test's p-value (Smirnov 1948), which folklore cuts at 0.05."""

    name: str = "kolmogorov_smirnov"
    folklore: float | None = None
    power: float = 0.5
    is_along_axis: bool = False

    def applies(self, bins: Binning) -> str:
        return only_numbers(bins)

    def binned(self, reference: Counts, current: Counts, bins: Binning) -> Counts:
        return binned_distance(reference, current)

    def by_chance(self, reference: Counts, current: Counts, bins: Binning) -> Counts:
        # The mean of Kolmogorov's distribution, of values without ties.
        chance: Counts = (
            math.sqrt(math.pi / 2) * math.log(2) * np.sqrt(sampling_noise(reference[..., :-1], current[..., :-1]))
        )
        return chance

    def psi_factor(self, reference: Counts, current: Counts) -> Counts | float:
        # A normal shift of δ has the distance δ / √(2π).
        return 2 * math.pi

    def exact(self, reference: Values, current: Values) -> tuple[float, float | None]:
        usual, now = known(reference), known(current)
        if not is_number(reference) or not len(usual) or not len(now):
            return float("nan"), None
        from scipy.stats import ks_2samp

        found = ks_2samp(usual, now, method="asymp")
        return float(found.statistic), float(found.pvalue)
