"""Normed Wasserstein distance: how far values have to be carried, in standard deviations of the reference."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from loop_core.monitor.drift.base import MEAN_ABSOLUTE, Values, is_number, known, only_numbers, sampling_noise
from loop_core.monitor.profiles import Binning, Counts, NumberBins


def bin_places(bins: NumberBins) -> Counts:
    """(K − 1,) where the rows of each bin are taken to be: its middle. The open outer bins are as wide as the inner ones
    beside them.

    >>> bin_places(NumberBins((0.0, 1.0, 3.0))).tolist()
    [-0.5, 0.5, 2.0, 4.0]
    """
    edges = np.asarray(bins.edges)
    if len(edges) == 1:
        return np.array([edges[0] - 0.5, edges[0] + 0.5])
    outer = [edges[0] - (edges[1] - edges[0]), *edges, edges[-1] + (edges[-1] - edges[-2])]
    places: Counts = np.asarray(outer)[:-1] / 2 + np.asarray(outer)[1:] / 2
    return places


def binned_distance(reference: Counts, current: Counts, bins: NumberBins) -> Counts:
    """∫ |F − G| between the cumulative shares of the bins' middles, over the reference's standard deviation; nulls are
    left out.

    Args:
        reference: (…, K) counts per bin, nulls last.
        current: (…, K) counts per bin.
        bins: the K bins.

    Returns:
        (…) distance ≥ 0; NaN where a side has no value or the reference does not vary.
    """
    places = bin_places(bins)
    r, c = reference[..., :-1], current[..., :-1]
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        r, c = r / r.sum(axis=-1, keepdims=True), c / c.sum(axis=-1, keepdims=True)
        apart = np.abs(np.cumsum(c - r, axis=-1))[..., :-1] @ np.diff(places)
        mean = (r @ places)[..., None]
        distance: Counts = apart / np.sqrt((r * (places - mean) ** 2).sum(axis=-1))
    return np.where(np.isfinite(distance), distance, np.nan)


def chance_distance(reference: Counts, current: Counts, bins: NumberBins) -> Counts:
    """(…) what `binned_distance` is on average between two samples of one population: at every place F scatters by
    √(F(1 − F)(1/N + 1/n))."""
    places, r = bin_places(bins), reference[..., :-1]
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        r = r / r.sum(axis=-1, keepdims=True)
        below = np.clip(np.cumsum(r, axis=-1)[..., :-1], 0, 1)
        mean = (r @ places)[..., None]
        spread = np.sqrt((r * (places - mean) ** 2).sum(axis=-1))
        apart = (np.sqrt(below * (1 - below)) @ np.diff(places)) / spread
    distance: Counts = MEAN_ABSOLUTE * apart * np.sqrt(sampling_noise(reference[..., :-1], current[..., :-1]))
    return np.where(np.isfinite(distance), distance, np.nan)


@dataclass(frozen=True)
class Wasserstein:
    """The distance as a measure of drift. Folklore: 0.1 standard deviations.

    Source: Villani 2009, "Optimal Transport", for the distance; on one axis it is the area between the two
    distribution functions (Vallender 1974).
    """

    name: str = "binned_wasserstein"
    folklore: float | None = 0.1
    power: float = 0.5
    is_along_axis: bool = True

    def applies(self, bins: Binning) -> str:
        return only_numbers(bins)

    def binned(self, reference: Counts, current: Counts, bins: Binning) -> Counts:
        assert isinstance(bins, NumberBins)
        return binned_distance(reference, current, bins)

    def by_chance(self, reference: Counts, current: Counts, bins: Binning) -> Counts:
        assert isinstance(bins, NumberBins)
        return chance_distance(reference, current, bins)

    def psi_factor(self, reference: Counts, current: Counts) -> Counts | float:
        return 1.0

    def exact(self, reference: Values, current: Values) -> tuple[float, float | None]:
        if not is_number(reference):
            return float("nan"), None
        from scipy.stats import wasserstein_distance

        usual, now = (values[np.isfinite(values)] for values in (known(reference), known(current)))
        spread = float(usual.std()) if len(usual) else 0.0
        if not len(now) or spread == 0:
            return float("nan"), None
        return float(wasserstein_distance(usual, now)) / spread, None
