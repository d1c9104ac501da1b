"""What windows of series say before features correct one another: values, p-values, and what several windows say together."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

import numpy as np
import numpy.typing as npt

from loop_core.charter import MonitorPlan
from loop_core.monitor.drift.alarm_rule import HIGHEST_LEVEL, AlarmRule
from loop_core.monitor.drift.base import DriftMeasure, size_beyond_chance
from loop_core.monitor.drift.outcomes import Outcome, window_outcomes
from loop_core.monitor.drift.threshold import Chance, Chances
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

    rule: AlarmRule
    values: Counts
    by_chance: Counts
    """What the values would be on average if nothing had changed."""
    sizes: Counts
    """The values less chance on PSI's scale, see `size_beyond_chance`."""
    p_values: Counts
    careful: Counts
    """The p-values that may alarm: larger where the reference cannot show what is usual."""
    shared: Counts
    """Part of the variance that the windows of a series share through their reference."""
    evidence: Counts
    """`careful` in the light of the windows before."""
    outcomes: list[dict[int, Outcome]]
    """(S,) place of a window → why it is not judged; the others are."""
    cautions: list[str]
    """(S,) why a series alarms less than its values suggest; empty: it does not."""
    chances: Chances

    def threshold(self, series: int, chance: float) -> float:
        """The value that the newest window of a series has to exceed to count, where its evidence may be `chance`."""
        levels = np.full_like(self.shared, np.nan)
        levels[series, -1:] = self.rule.level(np.array([chance]), self.shared[series, -1:])
        return float(self.chances.thresholds(levels)[series, -1])


def evidence_of(plan: MonitorPlan, found: Sequence[Series], measure: DriftMeasure, rule: AlarmRule) -> Evidence:
    """Of series that have the same windows."""
    found = [with_whole_windows(plan, series) for series in found]
    outcomes = [window_outcomes(plan, series, measure) for series in found]
    rows = np.stack([series.counts.sum(axis=1) for series in found])
    usual = np.array([[series.reference.sum()] for series in found])
    chances = Chances([Chance(measure, s.binning, s.reference) for s in found], rows.astype(np.int64))
    values, by_chance, sizes = _values(found, measure, outcomes)
    _say_what_has_no_value(outcomes, values)
    p_values = chances.p_values(values)
    cautions = [_caution(*of) for of in zip(found, chances.of, p_values, strict=True)]
    careful = _careful(found, chances, values, p_values, np.array(cautions))
    shared = rows / np.maximum(rows + usual, 1.0)
    evidence = rule.evidence(careful, shared)
    return Evidence(rule, values, by_chance, sizes, p_values, careful, shared, evidence, outcomes, cautions, chances)


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


def _values(
    found: Sequence[Series], measure: DriftMeasure, outcomes: Sequence[Collection[int]]
) -> tuple[Counts, Counts, Counts]:
    """(S, W) what the measure says of windows that are judged, what chance alone gives there, and sizes beyond chance; all
    cohort values of a column together."""
    values, by_chance, sizes = np.full((3, len(found), len(found[0].numbers)), np.nan)
    judged = [k for k, not_judged in enumerate(outcomes) if len(not_judged) < values.shape[1]]
    for binning, group in groupby(judged, key=lambda k: found[k].binning):
        places = list(group)
        usual = np.stack([found[k].reference.sum(axis=0, keepdims=True) for k in places])
        now = np.stack([found[k].counts for k in places])
        values[places] = measure.binned(usual, now, binning)
        by_chance[places] = measure.by_chance(usual, now, binning)
        sizes[places] = size_beyond_chance(measure, values[places], by_chance[places], usual, now)
    for k, not_judged in enumerate(outcomes):
        for table in (values, by_chance, sizes):
            table[k, list(not_judged)] = np.nan
    return values, by_chance, sizes


def _caution(series: Series, chance: Chance, p_values: Counts) -> str:
    """Only where something moved: nothing else can alarm."""
    if not (p_values <= HIGHEST_LEVEL).any():
        return ""
    if np.count_nonzero(series.reference.sum(axis=1)) < 2:
        return ONE_WINDOW
    return SLOW if chance.is_slow else ""


def _careful(
    found: Sequence[Series], chances: Chances, values: Counts, p_values: Counts, cautions: npt.NDArray[np.str_]
) -> Counts:
    """(S, W) p-values that may alarm. A series that moves on steadily may be as far again as it is later."""
    careful = np.where((cautions == "")[:, None], p_values, np.nan)
    slow = np.flatnonzero(cautions == SLOW).tolist()
    if slow:
        part = Chances([chances.of[k] for k in slow], chances.rows[slow])
        careful[slow] = part.p_values(values[slow], np.stack([_growth(found[k]) for k in slow]))
    return careful


def _growth(series: Series) -> Counts:
    """(W,) mean square distance that a steady motion has brought each window to, over that of the reference's windows."""
    middle = series.reference_start + (series.reference_end - series.reference_start) / 2
    apart = np.array([((start - middle) + (end - middle)) / (end - start) / 2 for start, end in series.spans])
    grown: Counts = np.maximum(12 * apart**2 / (len(series.reference) ** 2 - 1), 1.0)
    return grown


def _say_what_has_no_value(outcomes: Sequence[dict[int, Outcome]], values: Counts) -> None:
    for series, window in zip(*(axis.tolist() for axis in np.nonzero(np.isnan(values))), strict=True):
        outcomes[series].setdefault(window, NOTHING_TO_COMPARE)
