"""Unseen-category share: the part of rows with a value that the reference never had, beyond the usual part."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from loop_core.monitor.drift.base import (
    MEAN_ABSOLUTE,
    Values,
    is_number,
    known,
    nulls,
    only_categories,
    sampling_noise,
    share_variance,
)
from loop_core.monitor.profiles import Binning, Counts


@dataclass(frozen=True)
class Unseen:
    """Share of rows with an unseen category less the share that the reference had in its own time, in [0, 1], 0 where it
    is lower: a column with a long tail brings some every week.

    In bins, a value was unseen in the reference where it occurs in one of its windows only. On rows, the usual share is
    estimated by that of values which occur once (Good 1953, after Turing).
    """

    name: str = "unseen"
    folklore: float | None = None
    power: float = 0.5
    is_along_axis: bool = False

    def applies(self, bins: Binning) -> str:
        return only_categories(bins)

    def binned(self, reference: Counts, current: Counts, bins: Binning) -> Counts:
        with np.errstate(invalid="ignore", divide="ignore"):
            now, usual = current[..., -2] / current.sum(axis=-1), reference[..., -2] / reference.sum(axis=-1)
        more: Counts = np.maximum(now - usual, 0.0)
        return more

    def by_chance(self, reference: Counts, current: Counts, bins: Binning) -> Counts:
        spread = share_variance(reference, current, -2) * sampling_noise(reference, current)
        chance: Counts = MEAN_ABSOLUTE / 2 * np.sqrt(spread)
        return chance

    def psi_factor(self, reference: Counts, current: Counts) -> Counts | float:
        return 1 / share_variance(reference, current, -2)

    def exact(self, reference: Values, current: Values) -> tuple[float, float | None]:
        if is_number(reference) or not len(reference) or not len(current):
            return float("nan"), None
        seen, times = np.unique(known(reference), return_counts=True)
        now = float((~np.isin(current, seen) & ~nulls(current)).mean())
        return max(now - float((times == 1).sum()) / len(reference), 0.0), None
