"""Unseen-category share: the part of rows with a value that the reference never had."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from loop_core.monitor.drift.base import Values, is_number, known, nulls, only_categories
from loop_core.monitor.profiles import Binning, Counts


@dataclass(frozen=True)
class Unseen:
    """Share of unseen categories among all rows, in [0, 1]. What is usual is Good & Turing's estimate: as many as the
    reference has values that occur only once (Good 1953)."""

    name: str = "unseen"
    folklore: float | None = None
    power: float = 0.5

    def applies(self, bins: Binning) -> str:
        return only_categories(bins)

    def binned(self, reference: Counts, current: Counts, bins: Binning) -> Counts:
        with np.errstate(invalid="ignore", divide="ignore"):
            share: Counts = current[..., -2] / current.sum(axis=-1)
        # One value for each pair, whichever side has the more windows.
        return share + np.zeros(reference.shape[:-1])

    def exact(self, reference: Values, current: Values) -> tuple[float, float | None]:
        if is_number(reference) or not len(current):
            return float("nan"), None
        return float((~np.isin(current, known(reference)) & ~nulls(current)).mean()), None
