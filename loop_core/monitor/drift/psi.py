"""Population stability index: how far a distribution over bins has moved."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from loop_core.monitor.drift.base import Values, any_column, divergence_by_chance, filled_shares, row_counts
from loop_core.monitor.profiles import Binning, Counts


def psi(reference: npt.ArrayLike, current: npt.ArrayLike) -> Counts:
    """Σ (c − r) · ln(c / r) over the bins that are not empty on both sides, with shares r and c.

    It is symmetric, never negative, and 0 when the shares are equal. A bin that is empty on one side is taken to hold
    half a row there: a smaller pseudo-count would let it decide the result, 10⁻³⁰⁰ alone would add several hundred; and
    half a row in every bin would make a difference of none.

    Args:
        reference: (…, K) counts per bin.
        current: (…, K) counts per bin, of the same bins.

    Returns:
        (…) index, ≥ 0, in nats; NaN where a side has no rows. Folklore calls 0.1 a moderate and 0.2 a large move, whatever the row count.

    Source: Kullback & Leibler 1951 (the divergence J); Siddiqi 2006, "Credit Risk Scorecards" (the name and folklore).

    >>> round(float(psi([50, 50], [50, 50])), 4), round(float(psi([500, 500], [700, 300])), 3)
    (0.0, 0.169)
    """
    r, c = filled_shares(reference, current)
    neither = r == 0  # empty on both sides
    index: Counts = ((c - r) * np.log(np.where(neither, 1.0, c) / np.where(neither, 1.0, r))).sum(axis=-1)
    return np.maximum(index, 0.0)


@dataclass(frozen=True)
class Psi:
    """The index as a measure of drift."""

    name: str = "psi"
    folklore: float | None = 0.1
    power: float = 1.0
    is_along_axis: bool = False

    def applies(self, bins: Binning) -> str:
        return any_column(bins)

    def binned(self, reference: Counts, current: Counts, bins: Binning) -> Counts:
        return psi(reference, current)

    def by_chance(self, reference: Counts, current: Counts, bins: Binning) -> Counts:
        return divergence_by_chance(reference, current)

    def psi_factor(self, reference: Counts, current: Counts) -> Counts | float:
        return 1.0

    def exact(self, reference: Values, current: Values) -> tuple[float, float | None]:
        return float(psi(*row_counts(reference, current))), None
