"""From the charter's budget of false alarms to the one rule that decides them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from loop_core.charter import MonitorPlan
from loop_core.monitor.drift.persistence import levels_for, persistent_chances
from loop_core.monitor.profiles import Counts

#: Mean length of a month.
DAYS_A_MONTH = 30.436875
#: So much of the budget is spent on everybody and on cohorts, four fifths in all: thresholds come from finite draws and
#: references, and must hold none the less.
SPENT, COHORTS_SPENT = 0.6, 0.2
#: What findings of cohorts that got worse may add to them: a tenth of the budget.
PERFORMANCE_SPENT = 0.1
#: Half of the chance that a quiet window alarms is spent on persistence, half on windows that cannot wait.
HALVES = 2
#: However few features there are, or many that drift: what one quiet window in twenty reaches does not count as moved.
HIGHEST_LEVEL = 0.05


@dataclass(frozen=True)
class AlarmRule:
    """k of the last n windows beyond chance, or one so far beyond that nobody has to wait; corrected for the number of
    features, so that a quiet loop alarms as often as its charter allows, whatever the number of features or rows."""

    per_window: float
    """Expected false alarms of one quiet window, over all features together."""
    times: int
    of: int

    @classmethod
    def of_plan(cls, plan: MonitorPlan, spent: float = SPENT) -> AlarmRule:
        """The rule that a charter asks for, with a share of its budget."""
        budget = spent * plan.false_alarms_per_month
        return cls(budget * plan.window_days / DAYS_A_MONTH, plan.alarm_times, plan.alarm_of)

    @property
    def false_discovery_rate(self) -> float:
        """α for Benjamini & Hochberg's procedure. With nothing but quiet features it makes α / (1 − α)² false alarms on
        average (the mean of the Borel–Tanner distribution of its rejections): α is what that equals the budget at.

        >>> round(AlarmRule(0.23, 2, 3).false_discovery_rate, 3)
        0.162
        """
        budget = self.per_window
        return ((2 * budget + 1) - math.sqrt(4 * budget + 1)) / (2 * budget)

    def evidence(self, p_values: Counts, shared: Counts) -> Counts:
        """The p-values of features in each window in the light of the windows before it.

        Args:
            p_values: (S, W) of features and windows, oldest window first; NaN where it cannot be told.
            shared: (S, W) see `persistence.persistent_chance`, n / (n + N).

        Returns:
            (S, W), NaN where `p_values` is.
        """
        if self.times == 1:
            return p_values
        lasting = persistent_chances(np.maximum(p_values, self._kth(p_values)), shared, self.times, self.of)
        evidence: Counts = np.minimum(1.0, HALVES * np.minimum(p_values, lasting))
        return evidence

    def levels(self, features: npt.ArrayLike, alarms: npt.ArrayLike, shared: Counts) -> Counts:
        """(S, W) p-values below which a single window counts as moved.

        Args:
            features: (W,) how many were judged in the window.
            alarms: (W,) how many of them are in alarm.
            shared: (S, W) as above.
        """
        cut = self.false_discovery_rate * np.maximum(alarms, 1) / np.maximum(features, 1)
        return self.level(np.broadcast_to(cut, shared.shape), shared)

    def level(self, cuts: Counts, shared: Counts) -> Counts:
        """(…) p-values below which a single window counts as moved, where the evidence may be at most `cuts`."""
        if self.times > 1:
            cuts = levels_for(cuts / HALVES, shared, self.times, self.of)
        capped: Counts = np.minimum(cuts, HIGHEST_LEVEL)
        return capped

    def _kth(self, p_values: Counts) -> Counts:
        """(S, W) the k-th smallest of each window and the n − 1 before it; what is not known is 1."""
        before = np.ones((p_values.shape[0], self.of - 1))
        told = np.concatenate([before, np.nan_to_num(p_values, nan=1.0)], axis=1)
        last = np.lib.stride_tricks.sliding_window_view(told, self.of, axis=1)
        found: Counts = np.partition(last, self.times - 1, axis=2)[..., self.times - 1]
        return found


def corrected(p_values: Counts) -> Counts:
    """(S,) Benjamini & Hochberg's adjusted p-values (1995), NaN where not told.

    >>> corrected(np.array([0.01, 0.04, np.nan, 0.02])).round(3).tolist()
    [0.03, 0.04, nan, 0.03]
    """
    told = np.flatnonzero(np.isfinite(p_values))
    order = told[np.argsort(-p_values[told])]
    ranks = np.arange(len(order), 0, -1)
    adjusted = np.full(len(p_values), np.nan)
    adjusted[order] = np.minimum.accumulate(np.minimum(p_values[order] * len(order) / ranks, 1.0))
    return adjusted
