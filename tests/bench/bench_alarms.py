"""How often drift alarms cry wolf, what they find, and how late: by simulation, and on streams with known changes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from loop_core.charter import MonitorPlan
from loop_core.monitor.check_performance import check_cohorts
from loop_core.monitor.drift import METHODS
from loop_core.monitor.drift.alarm_rule import DAYS_A_MONTH
from tests.bench.measure import Measurement
from tests.monitor.drift.simulated import equal_width_share, folklore_share, found_within, quiet_rates, told_apart
from tests.monitor.drift.simulated_cohorts import quiet_cohort_alarms, shifted
from tests.monitor.drift.streams import DETECTORS, Detection, detections
from tests.monitor.quiet import quiet_cohorts

#: Loops, each with half a year of quiet weeks after its reference.
LOOPS, RUNS = 20, 200


def measurements() -> Iterator[Measurement]:
    yield from _quiet()
    yield from _swinging()
    yield from _found()
    yield from _classifier()
    yield from _cohorts()
    yield from _streams()


def _quiet() -> Iterator[Measurement]:
    for n in (100, 1_000, 100_000):
        rates = quiet_rates(n, LOOPS, seed=n)
        what = f"alarms a quiet month, 40 features, {n:,} rows a week"
        yield Measurement(what, rates.alarms_a_month, "a month", 1)
    for n in (100, 1_000):
        share = folklore_share(np.random.default_rng(0), n, times=20_000)
        yield Measurement(f"quiet windows over a fixed PSI of 0.1 (ten bins), {n:,} rows", 100 * share, "%")
    for bins, words in ((10, "ten"), ("sturges", "Sturges's")):
        share = equal_width_share(np.random.default_rng(0), 100, bins, times=10_000)
        what = f"… {words} equally wide bins of 1,000 rows, empty ones 0.0001, 100 rows"
        yield Measurement(what, 100 * share, "%")
    for method in METHODS:
        if method != "psi":
            yield Measurement(f"alarms a quiet month by {method}, 1,000 rows a week", _alarms(method), "a month", 1)


def _alarms(method: str) -> float:
    return quiet_rates(1_000, LOOPS // 2, method=method, seed=1).alarms_a_month


def _found() -> Iterator[Measurement]:
    for change, words in (("shift", "a shift of 0.3 σ"), ("mass", "10 % of mass moved")):
        for weeks in (1, 2):
            share = 100 * found_within(weeks, 2_000, RUNS, change, seed=2)
            what = f"{words} in one of 40 features, 2,000 rows: found within {weeks}"
            yield Measurement(what, share, "% of runs", 95 if weeks == 2 else None, more_is_better=True)


def _swinging() -> Iterator[Measurement]:
    for kind, words in (("mean", "at random by 0.1 σ"), ("steady", "steadily by 0.3 σ a quarter")):
        for n in (300, 1_000, 3_000):
            rate = quiet_rates(n, LOOPS // 2, seed=n, moving=(8, kind)).alarms_a_month
            # In small windows a third of such references cannot be told from quiet ones, and what follows is drift.
            target = None if (kind, n) == ("steady", 300) else 1
            what = f"alarms a quiet month, 8 of 40 features move {words}, {n:,} rows"
            yield Measurement(what, rate, "a month", target)


def _classifier() -> Iterator[Measurement]:
    for swing, words in ((0.0, "quiet windows"), (0.15, "quiet windows that swing by 0.15 σ")):
        share = 100 * told_apart(100, 300, swing=swing)
        yield Measurement(f"domain classifier, {words} of 300 rows: said to differ", share, "%", 2.5 + 3 * 1.6)
    share = 100 * told_apart(50, 300, together=0.0)
    what = "domain classifier: a correlation of 0.6 that is gone, 300 rows"
    yield Measurement(what, share, "% found", 70, more_is_better=True)


def _cohorts() -> Iterator[Measurement]:
    for n in (100, 1_000, 100_000):
        rate, _ = quiet_cohort_alarms(n, 40, LOOPS // 2, seed=n)
        yield Measurement(f"cohorts: features said to drift a quiet month, 15 values, {n:,} rows", rate, "a month", 0.2)
    found = [shifted(5_000, 40, 0.3, seed) for seed in range(RUNS // 4)]
    share = 100 * np.mean([any(d.score.cohort_value == "a2" for d in one) for one in found])
    what = "cohorts: a shift of 0.3 σ in one value of 1,000 rows, within 2 weeks"
    yield Measurement(what, float(share), "% of runs", 95, more_is_better=True)
    rng, plan = np.random.default_rng(0), MonitorPlan()
    for metric in ("log_loss", "auc"):
        for n in (100, 1_000):
            runs = [quiet_cohorts(rng, metric, n, 40, 9) for _ in range(RUNS // 2)]
            said = sum(len(list(check_cohorts(points, {metric: 0.0}, plan))) for points in runs)
            what = f"cohorts said to be worse a quiet month, {metric}, 40 values of {n:,} rows"
            yield Measurement(what, said / (len(runs) * plan.window_days / DAYS_A_MONTH), "a month", 0.1)


def _streams() -> Iterator[Measurement]:
    folder = Path(os.environ.get("LOOPBENCH_DATA", "../shared/data")) / "drift_streams"
    files = sorted(folder.glob("*.csv.gz"))
    for detector in DETECTORS:
        found = [d for file in files for d in detections(file, detector)]
        if found:
            yield from _summary(detector, found)


def _summary(detector: str, found: list[Detection]) -> Iterator[Measurement]:
    delays = [d.delay for d in found if d.delay is not None]
    quiet = sum(d.quiet_windows for d in found)
    where = f"{detector} on {len(found)} changes, windows of 500"
    yield Measurement(f"{where}: found within 2,000 rows", 100 * len(delays) / len(found), "%")
    if delays:
        yield Measurement(f"{where}: median delay of those found", float(np.median(delays)), "rows")
    yield Measurement(
        f"{where}: false alarms in 100 quiet windows", 100 * sum(d.false_alarms for d in found) / quiet, "alarms"
    )
