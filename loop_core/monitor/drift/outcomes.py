"""Whether a window can be judged at all; where it cannot, why, in a sentence. Neither is the same as healthy."""

from __future__ import annotations

import numpy as np

from loop_core.charter import MonitorPlan
from loop_core.monitor.drift.base import DriftMeasure
from loop_core.monitor.profiles import CategoryBins, Series
from loop_core.vocabulary import State

Outcome = tuple[State, str]
#: A window of a reference of fewer windows than this makes up much of what it would be compared with.
SHORT = 4
IN_SHORT: Outcome = (
    State.TOO_FEW,
    f"The reference is too short: the window is part of it, and it has fewer than {SHORT} windows.",
)


def window_outcomes(plan: MonitorPlan, series: Series, measure: DriftMeasure) -> dict[int, Outcome]:
    """Place of a window → why it is not judged; the others are."""
    always, rows = reference_outcome(plan, series, measure), series.counts.sum(axis=1)
    if always:
        return dict.fromkeys(range(len(rows)), always)
    short = len(series.reference) < SHORT
    new = series.reference[:, :-1].sum() == 0 and _is_new(series)
    found = {}
    for k in np.flatnonzero((rows < max(plan.min_rows, 1)) | short | new).tolist():
        inside = IN_SHORT if short and series.spans[k][0] < series.reference_end else None
        outcome = _window_outcome(plan, series, int(rows[k]), new and rows[k] > series.counts[k, -1]) or inside
        if outcome:
            found[k] = outcome
    return found


def reference_outcome(plan: MonitorPlan, series: Series, measure: DriftMeasure) -> Outcome | None:
    """What is true of every window of the series; None: nothing stands in the way."""
    rows, days = int(series.reference.sum()), (series.reference_end - series.reference_start).total_seconds() / 86400
    if days < plan.window_days:
        short = f"The reference covers {days:.3g} days, less than one window of {plan.window_days}."
        return State.TOO_FEW, short
    if not rows:
        return State.NOT_APPLICABLE, f"{series.cohort_value or series.column} does not occur in the reference."
    if rows < plan.min_rows:
        return State.TOO_FEW, f"The reference has {rows:,} rows; {plan.min_rows} are needed."
    why_not = measure.applies(series.binning)
    return (State.NOT_APPLICABLE, why_not) if why_not else None


def _window_outcome(plan: MonitorPlan, series: Series, rows: int, new: bool) -> Outcome | None:
    if not rows:
        return State.TOO_FEW, f"No row{f' of {series.cohort_value}' if series.cohort_value else ''} in this window."
    if rows < plan.min_rows:
        return State.TOO_FEW, f"{rows:,} rows; {plan.min_rows} are needed."
    if new:
        return State.NOT_APPLICABLE, "The reference has no value of it: a new column is judged by the next reference."
    return None


def _is_new(series: Series) -> bool:
    """Nulls only in the reference, so that nothing is known of its values."""
    edges = series.binning.kept if isinstance(series.binning, CategoryBins) else getattr(series.binning, "edges", ())
    return not edges
