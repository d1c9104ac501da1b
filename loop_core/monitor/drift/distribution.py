"""One feature's reference beside one window, bin by bin: what a drift score is made of."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from loop_core.errors import NotReadyError, UnknownNameError
from loop_core.labels import known_at
from loop_core.monitor.profiles.binning import Binning, NumberBins
from loop_core.monitor.profiles.counts import Selection, count
from loop_core.monitor.profiles.reference import (
    SCORE,
    Reference,
    feature_reference,
    score_reference,
    score_selection,
)
from loop_core.windows import Windows
from loop_core.workspace import Loop


@dataclass(frozen=True)
class BinShare:
    """One bin of a feature in the reference or in the window."""

    bin: str
    """Its label, unique within the feature."""
    order: int
    """Its place, 0 first; the last one holds nulls."""
    window: str
    """`reference` or `current`."""
    n: int
    """Rows in it."""
    share: float
    """Share of the rows of its window, 0..1."""


def feature_distribution(
    loop: Loop,
    as_of: datetime,
    *,
    feature: str,
    window_start: datetime,
    window_end: datetime,
    cohort: str | None = None,
    cohort_value: str | None = None,
) -> list[BinShare]:
    """The counts behind `drift_scores` of one feature (or `score`) and window; empty bins of both are left out.

    Raises:
        UnknownNameError: no such feature or cohort.
        NotReadyError: there is no reference yet.
    """
    reading = known_at(loop, as_of)
    group = loop.charter.cohort(cohort) if cohort else None
    reference = (score_reference if feature == SCORE else feature_reference)(loop, reading, group)
    if reference is None:
        raise NotReadyError(
            "There is no reference period yet", "predictions before this window", "bring in older predictions"
        )
    if feature not in reference.bins:
        raise UnknownNameError("feature", feature, reference.bins)
    windows = Windows(window_end, max(1, (window_end - window_start).days))
    selected = Selection(reading, windows, window_start, window_end, group)
    champion = loop.champion(as_of)
    if feature == SCORE and champion is not None:
        selected = score_selection(selected, champion)
    table = count(selected, {feature: reference.bins[feature]})[feature]
    found = [counts for (_, value), counts in table.items() if value == cohort_value]
    return _shares(reference, feature, cohort_value, sum(found, np.zeros(len(reference.bins[feature].labels))))


def _shares(reference: Reference, feature: str, value: str | None, current: np.ndarray) -> list[BinShare]:
    usual = reference.of(feature, value).sum(axis=0)
    both = {"reference": usual, "current": current}
    return [
        BinShare(label, place, window, int(counts[place]), float(counts[place] / max(1.0, counts.sum())))
        for place, label in enumerate(_labels(reference.bins[feature]))
        if usual[place] or current[place]
        for window, counts in both.items()
    ]


def _labels(bins: Binning) -> tuple[str, ...]:
    """The bins' names, shorter and without repetition: a bin that holds a single number is called `= 0`."""
    if not isinstance(bins, NumberBins) or not bins.edges:
        return bins.labels
    text = [f"{0.0 if abs(edge) < 1e-300 else edge:.4g}" for edge in bins.edges]
    inner = [f"= {high}" if low == high else f"{low} – {high}" for low, high in itertools.pairwise(text)]
    first = f"< {text[0]}" if text[:1] == text[1:2] else f"≤ {text[0]}"
    names = [first, *inner, f"> {text[-1]}", "(null)"]
    return tuple(name if names.index(name) == place else f"{name} ({place})" for place, name in enumerate(names))
