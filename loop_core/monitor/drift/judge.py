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
    by_chance: Counts
    """What the values would be on average if nothing had changed."""
    thresholds: Counts
    p_values: Counts
    q_values: Counts
    alarms: npt.NDArray[np.bool_]
    small: npt.NDArray[np.bool_]
    """Whether it is too small to matter, however certain."""
    smallness: str
    """What is said of those."""
    outcomes: list[dict[int, Outcome]]
    """(S,) place of a window → why it is not judged; the others are."""
    cautions: list[str]
    """(S,) why a series alarms less than its values suggest; empty: it does not."""

    def said(self, series: int) -> list[Outcome]:
        """(W,) state and reason of each window of one series; the reason is empty where nothing needs to be said."""
        usual = [(State.OK, ""), (State.WATCH, self.cautions[series]), (State.ALARM, ""), (State.WATCH, self.smallness)]
        over = self.values[series] > self.thresholds[series]
        said = [usual[k] for k in np.where(self.small[series], 3, np.where(self.alarms[series], 2, over)).tolist()]
        for window, outcome in self.outcomes[series].items():
            said[window] = outcome
        return said


def judge(plan: MonitorPlan, found: Sequence[Series], measure: DriftMeasure) -> Verdicts:
    """Decide every window of series that have the same windows.

    A cell is in alarm where its evidence, over its last windows, survives the correction for all series of its window.
    Its threshold is the value that a single window has to exceed to count towards that. What is certain but smaller than
    the charter's `min_shift` is no alarm.

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
    small = alarms & ~(said.sizes > plan.min_shift**2)
    return Verdicts(
        values=said.values,
        by_chance=said.by_chance,
        thresholds=said.chances.thresholds(levels),
        p_values=said.p_values,
        q_values=q_values,
        alarms=alarms & ~small,
        small=small,
        smallness=too_small(plan),
        outcomes=said.outcomes,
        cautions=said.cautions,
    )


def too_small(plan: MonitorPlan) -> str:
    """What is said of a move that is certain and smaller than the charter asks for."""
    return (
        f"Certain but too small to matter: less than a shift of {plan.min_shift:g} standard deviations"
        " (min_shift in the charter)."
    )
