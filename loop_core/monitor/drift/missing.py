"""Missing share: by how much the part of rows without a value changed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from loop_core.monitor.drift.base import MEAN_ABSOLUTE, Values, any_column, nulls, sampling_noise, share_variance
from loop_core.monitor.profiles import Binning, Counts


@dataclass(frozen=True)
class Missing:
    """|share of nulls now − share in the reference|, in [0, 1]; a value that vanishes and one that appears both count."""

    name: str = "missing"
    folklore: float | None = None
    power: float = 0.5
    is_along_axis: bool = False

    def applies(self, bins: Binning) -> str:
        return any_column(bins)

    def binned(self, reference: Counts, current: Counts, bins: Binning) -> Counts:
        with np.errstate(invalid="ignore", divide="ignore"):
            now, usual = current[..., -1] / current.sum(axis=-1), reference[..., -1] / reference.sum(axis=-1)
        change: Counts = np.abs(now - usual)
        return change

    def by_chance(self, reference: Counts, current: Counts, bins: Binning) -> Counts:
        spread = share_variance(reference, current, -1) * sampling_noise(reference, current)
        chance: Counts = MEAN_ABSOLUTE * np.sqrt(spread)
        return chance

    def psi_factor(self, reference: Counts, current: Counts) -> Counts | float:
        return 1 / share_variance(reference, current, -1)

    def exact(self, reference: Values, current: Values) -> tuple[float, float | None]:
        if not len(reference) or not len(current):
            return float("nan"), None
        return abs(float(nulls(current).mean()) - float(nulls(reference).mean())), None
