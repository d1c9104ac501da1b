"""Profiles: how often each column fell into each bin, day by day; every window is a sum of them."""

from loop_core.monitor.profiles.binning import Binning, CategoryBins, Counts, NumberBins
from loop_core.monitor.profiles.reference import SCORE, reference_span
from loop_core.monitor.profiles.series import Moments, Series, profile_series

__all__ = [
    "SCORE",
    "Binning",
    "CategoryBins",
    "Counts",
    "Moments",
    "NumberBins",
    "Series",
    "profile_series",
    "reference_span",
]
