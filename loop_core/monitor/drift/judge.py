"""Series of windows → value, threshold, p and q value and state of each: one table of features × windows at a time,
because features correct one another and windows lend one another weight."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from loop_core.charter import MonitorPlan
from loop_core.monitor.drift.alarm_rule import HIGHEST_LEVEL, AlarmRule, corrected
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
class Verdicts:
    """Tables (S, W) over series and windows, oldest window first. Numbers are NaN where the outcome says why."""

    values: Counts
    thresholds: Counts
    p_values: Counts
    q_values: Counts
    alarms: npt.NDArray[np.bool_]
    outcomes: list[list[Outcome | None]]
    """Why a window is not judged; None: it is."""
    cautions: list[str]
    """(S,) why a series alarms less than its values suggest; empty: it does not."""

    def states(self, series: int) -> list[State]:
        """(W,) of one series."""
        over = self.values[series] > self.thresholds[series]
        cells = zip(self.outcomes[series], self.alarms[series].tolist(), over.tolist(), strict=True)
        return [
            outcome[0] if outcome else State.ALARM if alarm else State.WATCH if moved else State.OK
            for outcome, alarm, moved in cells
        ]


def judge(plan: MonitorPlan, found: Sequence[Series], measure: DriftMeasure) -> Verdicts:
    """Decide every window of series that have the same windows.

    A cell is in alarm where its evidence, over its last windows, survives the correction for all series of its window.
    Its threshold is the value that a single window has to exceed to count towards that.

    Args:
        plan: the charter's.
        found: series of S columns (and cohort values), each with the same W windows.
        measure: what to measure.
    """
    rule, found = AlarmRule.of_plan(plan), [with_whole_windows(plan, series) for series in found]
    outcomes = [list(window_outcomes(plan, series, measure)) for series in found]
    values, p_values = _measured(found, measure, outcomes)
    _say_what_has_no_value(outcomes, values)
    cautions = [_caution(series, measure, p) for series, p in zip(found, p_values, strict=True)]
    careful = np.stack(
        [_careful(series, measure, *of) for series, *of in zip(found, values, p_values, cautions, strict=True)]
    )
    rows = np.stack([series.counts.sum(axis=1) for series in found])
    shared = rows / np.maximum(rows + np.array([[series.reference.sum()] for series in found]), 1.0)
    evidence = rule.evidence(careful, shared)
    q_values = np.stack([corrected(column) for column in evidence.T], axis=1)
    alarms = q_values <= rule.false_discovery_rate
    told = np.isfinite(p_values)
    judged = np.isfinite(careful).sum(axis=0)
    levels = np.where(told, rule.levels(judged, alarms.sum(axis=0), shared), np.nan)
    alarms &= careful <= levels
    thresholds = np.stack([_thresholds(series, measure, *of) for series, *of in zip(found, levels, rows, strict=True)])
    return Verdicts(
        values, np.where(np.isnan(p_values), np.nan, thresholds), p_values, q_values, alarms, outcomes, cautions
    )


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
