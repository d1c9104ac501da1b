"""One feature's reference beside one window, bin by bin: what a drift score is made of."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from loop_core.charter import Cohort
from loop_core.errors import NotReadyError, UnknownNameError
from loop_core.monitor.profiles import answers_of
from loop_core.monitor.profiles.binning import Binning, Counts, NumberBins
from loop_core.monitor.profiles.daily import Days, days_at
from loop_core.monitor.profiles.plan import Span
from loop_core.monitor.profiles.series import windows_of
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
    group = loop.charter.cohort(cohort) if cohort else None
    with days_at(loop, as_of) as days:
        if days is None or (feature in answers_of(loop.charter) and days.plan.scored is None):
            raise NotReadyError(
                "There is no reference period yet", "predictions before this window", "bring in older predictions"
            )
        if feature not in days.plan.subjects:
            raise UnknownNameError("feature", feature, days.plan.subjects)
        usual, window = days.plan.span_of(feature), Span.of(window_start, window_end)
        both = {
            "reference": _sum(days, usual, group, feature, cohort_value),
            "current": _sum(days, window, group, feature, cohort_value),
        }
    return [
        BinShare(label, place, name, int(counts[place]), float(counts[place] / max(1.0, counts.sum())))
        for place, label in enumerate(_labels(days.plan.subjects[feature]))
        if both["reference"][place] or both["current"][place]
        for name, counts in both.items()
    ]


def _sum(days: Days, span: Span | None, cohort: Cohort | None, feature: str, value: str | None) -> Counts:
    """(K,) rows per bin in a span of days."""
    none = np.zeros(len(days.plan.subjects[feature].labels))
    if span is None:
        return none
    windows = Windows(span.instants[1], max(1, (span.end - span.start).days))
    frame = days.counts(span, cohort, [feature])
    found = windows_of(frame, span, windows, days, [feature])[feature].get(value)
    return none if found is None else found.counts.sum(axis=0)


def _labels(bins: Binning) -> tuple[str, ...]:
    """The bins' names, shorter and without repetition: a bin that holds a single number is called `= 0`."""
    if not isinstance(bins, NumberBins) or not bins.edges:
        return bins.labels
    text = [f"{0.0 if abs(edge) < 1e-300 else edge:.4g}" for edge in bins.edges]
    inner = [f"= {high}" if low == high else f"{low} – {high}" for low, high in itertools.pairwise(text)]
    first = f"< {text[0]}" if text[:1] == text[1:2] else f"≤ {text[0]}"
    names = [first, *inner, f"> {text[-1]}", "(null)"]
    return tuple(name if names.index(name) == place else f"{name} ({place})" for place, name in enumerate(names))
