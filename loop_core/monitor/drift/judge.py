"""Series of windows → value, threshold, p and q value and state of each: one table of features × windows at a time,
because features correct one another and windows lend one another weight."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from loop_core.charter import MonitorPlan
from loop_core.monitor.drift.alarm_rule import AlarmRule, corrected
from loop_core.monitor.drift.base import DriftMeasure
from loop_core.monitor.drift.evidence import evidence_of
from loop_core.monitor.drift.outcomes import Outcome
from loop_core.monitor.profiles import Counts, Series
from loop_core.vocabulary import State


@dataclass(frozen=True)
class Verdicts:
    """Tables (S, W) over series and windows, oldest window first. Numbers are NaN where the outcome says why."""

    values: Counts
    thresholds: Counts
    p_values: Counts
    q_values: Counts
    alarms: npt.NDArray[np.bool_]
    outcomes: list[dict[int, Outcome]]
    """(S,) place of a window → why it is not judged; the others are."""
    cautions: list[str]
    """(S,) why a series alarms less than its values suggest; empty: it does not."""

    def said(self, series: int) -> list[Outcome]:
        """(W,) state and reason of each window of one series; the reason is empty where nothing needs to be said."""
        usual = [(State.OK, ""), (State.WATCH, self.cautions[series]), (State.ALARM, "")]
        over = self.values[series] > self.thresholds[series]
        said = [usual[k] for k in np.where(self.alarms[series], 2, over).tolist()]
        for window, outcome in self.outcomes[series].items():
            said[window] = outcome
        return said


def judge(plan: MonitorPlan, found: Sequence[Series], measure: DriftMeasure) -> Verdicts:
    """Decide every window of series that have the same windows.

    A cell is in alarm where its evidence, over its last windows, survives the correction for all series of its window.
    Its threshold is the value that a single window has to exceed to count towards that.

    Args:
        plan: the charter's.
        found: series of S columns (and cohort values), each with the same W windows.
        measure: what to measure.
    """
    said = evidence_of(plan, found, measure, AlarmRule.of_plan(plan))
    q_values = np.stack([corrected(column) for column in said.evidence.T], axis=1)
    alarms = q_values <= said.rule.false_discovery_rate
    judged = np.isfinite(said.careful).sum(axis=0)
    levels = said.rule.levels(judged, alarms.sum(axis=0), said.shared)
    levels = np.where(np.isfinite(said.p_values), levels, np.nan)
    alarms &= said.careful <= levels
    return Verdicts(
        said.values, said.chances.thresholds(levels), said.p_values, q_values, alarms, said.outcomes, said.cautions
    )
