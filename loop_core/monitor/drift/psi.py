"""Population stability index: how far a distribution over bins has moved."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from loop_core.monitor.drift.base import Values, any_column, row_counts, smoothed
from loop_core.monitor.profiles import Binning, Counts


def psi(reference: npt.ArrayLike, current: npt.ArrayLike) -> Counts:
    """Σ (c − r) · ln(c / r) over bins, with shares r, c = (count + ½) / (n + K/2) of K bins.

    It is symmetric, never negative, and 0 when the shares are equal. A smaller pseudo-count would let one empty
    bin decide the result: with 10⁻³⁰⁰ instead of ½ it alone would add several hundred.

    Args:
        reference: (…, K) counts per bin.
        current: (…, K) counts per bin, of the same bins.

    Returns:
        (…) index, ≥ 0, in nats. Folklore calls 0.1 a moderate and 0.2 a large move, whatever the row count.

    Source: Kullback & Leibler 1951 (the divergence J); Siddiqi 2006, "Credit Risk Scorecards" (the name and folklore).

    >>> round(float(psi([50, 50], [50, 50])), 4), round(float(psi([500, 500], [700, 300])), 3)
    (0.0, 0.169)
    """
    r, c = smoothed(reference), smoothed(current)
    index: Counts = np.maximum(((c - r) * np.log(c / r)).sum(axis=-1), 0.0)
    return index


@dataclass(frozen=True)
class Psi:
    """The index as a measure of drift."""

    name: str = "psi"
    folklore: float | None = 0.1
    power: float = 1.0

    def applies(self, bins: Binning) -> str:
        return any_column(bins)

    def binned(self, reference: Counts, current: Counts, bins: Binning) -> Counts:
        return psi(reference, current)

    def exact(self, reference: Values, current: Values) -> tuple[float, float | None]:
        return float(psi(*row_counts(reference, current))), None
