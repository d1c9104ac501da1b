"""Profiles: how often each column fell into each bin, day by day; every window is a sum of them."""

from loop_core.monitor.profiles.binning import Binning, CategoryBins, Counts, NumberBins
from loop_core.monitor.profiles.check import check_profiles
from loop_core.monitor.profiles.plan import LATENCY, RATING, answers_of
from loop_core.monitor.profiles.reference import reference_span
from loop_core.monitor.profiles.refresh import ProfileState, refresh_profiles, settle_profiles
from loop_core.monitor.profiles.series import Moments, Series, profile_series

__all__ = [
    "LATENCY",
    "RATING",
    "Binning",
    "CategoryBins",
    "Counts",
    "Moments",
    "NumberBins",
    "ProfileState",
    "Series",
    "answers_of",
    "check_profiles",
    "profile_series",
    "reference_span",
    "refresh_profiles",
    "settle_profiles",
]
