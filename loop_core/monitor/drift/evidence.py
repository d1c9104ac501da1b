"""What windows of series say before features correct one another: values, p-values, and what several windows say together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from loop_core.charter import MonitorPlan
from loop_core.monitor.drift.alarm_rule import HIGHEST_LEVEL, AlarmRule
from loop_core.monitor.drift.base import DriftMeasure
from loop_core.monitor.drift.outcomes import Outcome, window_outcomes
from loop_core.monitor.drift.threshold import Chance
from loop_core.monitor.profiles import Counts, Series
from loop_core.vocabulary import State

#: With fewer windows in the reference, none is dropped.
FEW = 4
NOTHING_TO_COMPARE: Outcome = (State.NOT_APPLICABLE, "There is no value to compare.")
ONE_WINDOW = "The reference is a single window: how much it swings by itself is not known, so that nothing alarms."
SLOW = (
    "It moves on steadily within the reference: it alarms where it gets farther than going on like that would bring it."
)


@dataclass(frozen=True)
class Evidence:
    """Tables (S, W) over series and windows, oldest window first. Numbers are NaN where the outcome says why."""

    found: list[Series]
    measure: DriftMeasure
    rule: AlarmRule
    values: Counts
    p_values: Counts
    careful: Counts
    """The p-values that may alarm: larger where the reference cannot show what is usual."""
    shared: Counts
    """Part of the variance that the windows of a series share through their reference."""
    evidence: Counts
    """`careful` in the light of the windows before."""
    outcomes: list[list[Outcome | None]]
    """Why a window is not judged; None: it is."""
    cautions: list[str]
    """(S,) why a series alarms less than its values suggest; empty: it does not."""

    def thresholds(self, levels: Counts) -> Counts:
        """(S, W) values that quiet windows exceed with the chances `levels`, NaN where one is."""
        rows = [series.counts.sum(axis=1) for series in self.found]
        cells = zip(self.found, levels, rows, strict=True)
        return np.stack([_thresholds(series, self.measure, *of) for series, *of in cells])

    def threshold(self, series: int, chance: float) -> float:
        """The value that the newest window of a series has to exceed to count, where its evidence may be `chance`."""
        levels = self.rule.level(np.array([chance]), self.shared[series, -1:])
        rows = self.found[series].counts[-1:].sum(axis=1)
        return float(_thresholds(self.found[series], self.measure, levels, rows)[0])


def evidence_of(plan: MonitorPlan, found: Sequence[Series], measure: DriftMeasure, rule: AlarmRule) -> Evidence:
    """Of series that have the same windows."""
    found = [with_whole_windows(plan, series) for series in found]
    outcomes = [list(window_outcomes(plan, series, measure)) for series in found]
    values, p_values = _measured(found, measure, outcomes)
    _say_what_has_no_value(outcomes, values)
    cautions = [_caution(series, measure, p) for series, p in zip(found, p_values, strict=True)]
    cells = zip(found, values, p_values, cautions, strict=True)
    careful = np.stack([_careful(series, measure, *of) for series, *of in cells])
    rows = np.stack([series.counts.sum(axis=1) for series in found])
    shared = rows / np.maximum(rows + np.array([[series.reference.sum()] for series in found]), 1.0)
    evidence = rule.evidence(careful, shared)
    return Evidence(found, measure, rule, values, p_values, careful, shared, evidence, outcomes, cautions)


def with_whole_windows(plan: MonitorPlan, series: Series) -> Series:
    """Without the oldest window of a reference that is no multiple of the window's length: a part of a week has weekdays
    of its own. Where only few windows are there, it is added to the next one."""
    days = (series.reference_end - series.reference_start).total_seconds() / 86400
    whole, windows = int(days // plan.window_days), len(series.reference)
    if windows < 2 or windows != whole + 1:
        return series
    if windows > FEW:
        return replace(series, reference=series.reference[1:])
    merged = np.vstack([series.reference[:2].sum(axis=0, keepdims=True), series.reference[2:]])
    return replace(series, reference=merged)


def _measured(
    found: Sequence[Series], measure: DriftMeasure, outcomes: list[list[Outcome | None]]
) -> tuple[Counts, Counts]:
    """(S, W) values and their p-values."""
    shape = (len(found), len(found[0].numbers))
    values, p_values = np.full(shape, np.nan), np.full(shape, np.nan)
    for place, series in enumerate(found):
        told = np.array([outcome is None for outcome in outcomes[place]])
        if told.any():
            counts, chance = series.counts[told], _chance(series, measure)
            values[place, told] = measure.binned(series.reference.sum(axis=0), counts, series.binning)
            p_values[place, told] = chance.p_values(values[place, told], counts.sum(axis=1).astype(np.int64))
    return values, p_values


def _caution(series: Series, measure: DriftMeasure, p_values: Counts) -> str:
    """Only where something moved: nothing else can alarm."""
    if not (p_values <= HIGHEST_LEVEL).any():
        return ""
    if np.count_nonzero(series.reference.sum(axis=1)) < 2:
        return ONE_WINDOW
    return SLOW if _chance(series, measure).is_slow else ""


def _careful(series: Series, measure: DriftMeasure, values: Counts, p_values: Counts, caution: str) -> Counts:
    """(W,) p-values that may alarm. A series that moves on steadily may be as far again as it is later."""
    if not caution:
        return p_values
    told = np.isfinite(p_values)
    found = np.full(len(p_values), np.nan)
    if caution == SLOW and told.any():
        rows = series.counts[told].sum(axis=1).astype(np.int64)
        found[told] = _chance(series, measure).p_values(values[told], rows, _growth(series)[told])
    return found


def _growth(series: Series) -> Counts:
    """(W,) mean square distance that a steady motion has brought each window to, over that of the reference's windows."""
    middle = series.reference_start + (series.reference_end - series.reference_start) / 2
    apart = np.array([((start - middle) + (end - middle)) / (end - start) / 2 for start, end in series.spans])
    grown: Counts = np.maximum(12 * apart**2 / (len(series.reference) ** 2 - 1), 1.0)
    return grown


def _say_what_has_no_value(outcomes: list[list[Outcome | None]], values: Counts) -> None:
    for series, window in zip(*np.nonzero(np.isnan(values)), strict=True):
        outcomes[series][window] = outcomes[series][window] or NOTHING_TO_COMPARE


def _thresholds(series: Series, measure: DriftMeasure, levels: Counts, rows: Counts) -> Counts:
    told = np.isfinite(levels)
    found = np.full(len(levels), np.nan)
    if told.any():
        found[told] = _chance(series, measure).thresholds(levels[told], rows[told].astype(np.int64))
    return found


def _chance(series: Series, measure: DriftMeasure) -> Chance:
    return Chance(measure, series.binning, series.reference)
