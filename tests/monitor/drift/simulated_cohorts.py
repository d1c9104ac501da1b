"""Quiet loops that are cut by two cohorts, five and ten values of unequal size, and loops in which one value moves."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.stats import norm

from loop_core.charter import MonitorPlan
from loop_core.monitor.drift.cohorts import CohortDrift, drifted
from loop_core.monitor.profiles import Counts, NumberBins, Series
from tests.monitor.drift.simulated import REFERENCE, series

#: Shares of the values of either cohort; which one a row is in has nothing to do with the other.
FIRST, SECOND = np.array([0.4, 0.25, 0.2, 0.1, 0.05]), np.full(10, 0.1)
_EDGES = norm.ppf(np.arange(1, 20) / 20)
_PLAN = MonitorPlan()


def cells(rng: np.random.Generator, name: str, n: int, windows: int, shift: float = 0.0) -> list[Series]:
    """One feature of every cohort value, windows of n rows after the reference; in the newest two the third value of the
    first cohort is shifted by so many standard deviations."""
    means = np.zeros((REFERENCE + windows, len(FIRST)))
    means[-2:, 2] = shift
    bins = np.diff(norm.cdf(_EDGES - means[..., None]), axis=-1, prepend=0, append=1)
    chances = bins[:, :, None, :] * FIRST[:, None, None] * SECOND[:, None]
    drawn = rng.multinomial(n, chances.reshape(len(means), -1)).reshape(*means.shape, len(SECOND), 20).astype(float)
    by_value = {("first", f"a{k}"): drawn[:, k].sum(axis=1) for k in range(len(FIRST))}
    by_value |= {("second", f"b{k}"): drawn[:, :, k].sum(axis=1) for k in range(len(SECOND))}
    return [_series(name, *key, counts) for key, counts in by_value.items()]


def _series(name: str, cohort: str, value: str, counts: Counts) -> Series:
    padded = np.pad(counts, [(0, 0), (0, 1)])
    one = series(name, NumberBins(tuple(_EDGES)), padded[:REFERENCE], padded[REFERENCE:])
    return replace(one, cohort=cohort, cohort_value=value)


def quiet_cohort_alarms(n: int, features: int, loops: int, *, windows: int = 26, seed: int = 0) -> tuple[float, float]:
    """(features in which a cohort value is said to have drifted, a quiet month; months)."""
    rng, alarms = np.random.default_rng(seed), 0
    for _ in range(loops):
        found = [one for k in range(features) for one in cells(rng, f"f{k}", n, windows + 2)]
        alarms += sum(len(drifted(_PLAN, [_upto(one, w) for one in found])) for w in range(3, windows + 3))
    months = loops * windows * _PLAN.window_days / 30.436875
    return alarms / months, months


def shifted(n: int, features: int, shift: float, seed: int) -> list[CohortDrift]:
    """What is said of a loop in which the first feature is shifted in one cohort value, for two windows."""
    rng = np.random.default_rng(seed)
    found = [one for k in range(features) for one in cells(rng, f"f{k}", n, 3, shift if k == 0 else 0.0)]
    return drifted(_PLAN, found)


def _upto(one: Series, end: int) -> Series:
    last = slice(end - _PLAN.alarm_of, end)
    return replace(one, counts=one.counts[last], numbers=one.numbers[last], spans=one.spans[last])
