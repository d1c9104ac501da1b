"""Jensen–Shannon distance: how well a row tells which of two windows it came from, in bits."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from loop_core.monitor.drift.base import Values, any_column, divergence_by_chance, row_counts
from loop_core.monitor.profiles import Binning, Counts

#: PSI over the squared distance in bits, where both are small.
_NATS = 8 * math.log(2)


def jensen_shannon(reference: npt.ArrayLike, current: npt.ArrayLike) -> Counts:
    """√(½ Σ r·log₂(r/m) + ½ Σ c·log₂(c/m)) with m = (r + c) / 2; empty bins need no pseudo-count.

    Args:
        reference: (…, K) counts per bin.
        current: (…, K) counts per bin, of the same bins.

    Returns:
        (…) distance in [0, 1]; NaN where a side has no rows. Folklore cuts at 0.1.

    Source: Lin 1991, "Divergence measures based on the Shannon entropy"; a metric by Endres & Schindelin 2003.

    >>> round(float(jensen_shannon([1, 0], [0, 1])), 3), round(float(jensen_shannon([500, 500], [700, 300])), 3)
    (1.0, 0.174)
    """
    r, c = _shares(reference), _shares(current)
    middle = (r + c) / 2
    bits = (_entropy_terms(r, middle) + _entropy_terms(c, middle)).sum(axis=-1) / 2
    distance: Counts = np.sqrt(np.clip(bits, 0.0, 1.0))
    return distance


def _shares(counts: npt.ArrayLike) -> Counts:
    found = np.asarray(counts, dtype=np.float64)
    total = found.sum(axis=-1, keepdims=True)
    shares: Counts = found / np.where(total > 0, total, np.nan)
    return shares


def _entropy_terms(shares: Counts, middle: Counts) -> Counts:
    ratio = np.where(shares > 0, shares, 1.0) / np.where(shares > 0, middle, 1.0)
    terms: Counts = np.where(np.isnan(shares), np.nan, shares * np.log2(ratio))
    return terms


@dataclass(frozen=True)
class JensenShannon:
    """The distance as a measure of drift."""

    name: str = "jensen_shannon"
    folklore: float | None = 0.1
    power: float = 0.5
    is_along_axis: bool = False

    def applies(self, bins: Binning) -> str:
        return any_column(bins)

    def binned(self, reference: Counts, current: Counts, bins: Binning) -> Counts:
        return jensen_shannon(reference, current)

    def by_chance(self, reference: Counts, current: Counts, bins: Binning) -> Counts:
        return np.sqrt(divergence_by_chance(reference, current) / _NATS)

    def psi_factor(self, reference: Counts, current: Counts) -> Counts | float:
        return _NATS

    def exact(self, reference: Values, current: Values) -> tuple[float, float | None]:
        return float(jensen_shannon(*row_counts(reference, current))), None
