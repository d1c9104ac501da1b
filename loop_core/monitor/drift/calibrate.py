"""How often does the drift monitor cry wolf? What its thresholds promise, and what this loop's own past says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np

from loop_core.charter import MonitorPlan
from loop_core.errors import NotReadyError
from loop_core.monitor.drift.alarm_rule import DAYS_A_MONTH
from loop_core.monitor.drift.base import DriftMeasure
from loop_core.monitor.drift.judge import Verdicts, judge
from loop_core.monitor.drift.quiet import Usual
from loop_core.monitor.drift.registry import measure_named
from loop_core.monitor.drift.scores import with_every_window
from loop_core.monitor.profiles import CategoryBins, Counts, Series, profile_series
from loop_core.windows import Windows
from loop_core.workspace import Loop

#: Quiet pasts that are made up, and windows in each after its reference.
PASTS, WINDOWS = 8, 52
#: The reference period is judged in so many parts, each against the others.
PARTS = 3


@dataclass(frozen=True)
class AlarmRate:
    """Alarms of one feature in a month of windows."""

    feature: str
    """Feature name, or `score`."""
    expected_per_month: float
    """In made-up quiet pasts."""
    seen_per_month: float
    """In the reference period, each part judged against the others."""
    since_per_month: float
    """After the reference period: false alarms and true ones."""
    fixed_expected_per_month: float | None
    """What the folklore cut-off would have said in the made-up quiet pasts; None: the trade has none."""
    fixed_seen_per_month: float | None
    """… and in the reference period."""


@dataclass(frozen=True)
class Calibration:
    """All features together, beside the budget."""

    method: str
    budget: float
    """`false_alarms_per_month` of the charter."""
    expected_per_month: float
    """False alarms expected: windows drawn from the loop's own reference, judged by the monitor itself."""
    seen_per_month: float
    """Alarms in the reference period, which is quiet by definition."""
    since_per_month: float
    """Alarms since: false ones and true ones."""
    fixed_expected_per_month: float | None
    """What the folklore cut-off would have given instead, in the same made-up quiet windows."""
    fixed_seen_per_month: float | None
    months_expected: float
    """Months of made-up windows behind `expected_per_month`."""
    months_seen: float
    """Months of the reference period."""
    months_since: float
    rows_per_window: int
    """Median row count of a window of the reference."""
    rows: tuple[AlarmRate, ...]
    """By feature, the loudest expected one first."""

    @property
    def sentence(self) -> str:
        """The result in words."""
        kept = "within" if self.expected_per_month <= self.budget else "OVER"
        fixed = (
            "" if self.fixed_expected_per_month is None else f"; a fixed cut-off would give {self.fixed_expected_per_month:.3g}"
        )  # fmt: skip
        return (
            f"{self.expected_per_month:.2f} false alarms a month expected, {kept} the budget of {self.budget:g}{fixed}."
            f" Seen in the reference period: {self.seen_per_month:.2f} a month; since: {self.since_per_month:.2f}."
        )


def calibrate(loop: Loop, as_of: datetime, *, method: str = "psi", seed: int = 0) -> Calibration:
    """Expected and seen alarms a month, beside the charter's budget and what a fixed cut-off would have given.

    Args:
        loop: the loop.
        as_of: UTC instant; nothing later is seen.
        method: name of the measure in `METHODS`.
        seed: of the made-up pasts.

    Raises:
        NotReadyError: there is no reference period, or no window in it.
        UnknownNameError: no such measure.
    """
    measure, plan = measure_named(method), loop.charter.monitor
    windows = Windows.at(as_of, plan.window_days)
    found = [s for s in with_every_window(profile_series(loop, as_of, weeks=None), windows) if len(s.reference)]
    if not found:
        raise NotReadyError("There is no reference period yet", "predictions", "bring in predictions first")
    rng = np.random.default_rng(seed)
    made = [_judged(plan, [_quiet_past(series, rng) for series in found], measure) for _ in range(PASTS)]
    parts = [_judged(plan, part, measure) for part in _parts(plan, found)]
    later = [_later(plan, found, measure)]
    return _calibration(plan, measure, found, (made, parts, later))


@dataclass(frozen=True)
class _Counted:
    """Alarms of each series, (S,), in so many windows."""

    alarms: Counts
    fixed: Counts
    """Values over the folklore cut-off."""
    windows: int


def _judged(plan: MonitorPlan, found: Sequence[Series], measure: DriftMeasure, skip: int | None = None) -> _Counted:
    # The first windows have no windows before them to be confirmed by.
    skip = min(plan.alarm_of - 1, len(found[0].numbers) - 1) if skip is None else skip
    return _counted(judge(plan, found, measure), measure, np.arange(len(found[0].numbers)) >= skip)


def _counted(verdicts: Verdicts, measure: DriftMeasure, counted: np.ndarray) -> _Counted:
    over = np.zeros_like(verdicts.values) if measure.folklore is None else verdicts.values > measure.folklore
    return _Counted(verdicts.alarms[:, counted].sum(axis=1), over[:, counted].sum(axis=1), int(counted.sum()))


def _later(plan: MonitorPlan, found: Sequence[Series], measure: DriftMeasure) -> _Counted:
    """What happened after the features' reference."""
    after = np.array([start >= found[0].reference_end for start, _ in found[0].spans])
    return _counted(judge(plan, found, measure), measure, after)


def _quiet_past(series: Series, rng: np.random.Generator) -> Series:
    """A reference and windows after it, drawn from the reference's own windows, row by row."""
    usual = Usual.learn(series.reference, series.binning.novelty if isinstance(series.binning, CategoryBins) else 0.0)
    if not len(usual.windows):
        return _with_windows(series, series.reference, np.zeros((WINDOWS, series.reference.shape[1])))
    pooled, sizes = usual.total / usual.total.sum(), usual.windows.sum(axis=1)
    shares = np.clip(pooled + usual.swing * (usual.windows / sizes[:, None] - pooled), 0, None)
    shares /= shares.sum(axis=1, keepdims=True)
    chosen = rng.integers(len(sizes), size=len(sizes) + WINDOWS)
    drawn = rng.multinomial(sizes[chosen].astype(int), shares[chosen]).astype(np.float64)
    return _with_windows(series, drawn[: len(sizes)], drawn[len(sizes) :])


def _parts(plan: MonitorPlan, found: Sequence[Series]) -> list[list[Series]]:
    """The reference's windows part by part, each with the other parts as its reference."""
    count = min(len(series.reference) for series in found)
    if count < 2 * PARTS:
        return []
    return [
        [_with_windows(s, np.delete(s.reference[-count:], part, axis=0), s.reference[-count:][part]) for s in found]
        for part in np.array_split(np.arange(count), PARTS)
    ]


def _with_windows(series: Series, reference: Counts, counts: Counts) -> Series:
    numbers = tuple(range(1 - len(counts), 1))
    # The windows are made up, and so is their time: after the reference.
    week = timedelta(days=1)
    spans = tuple((series.reference_end + k * week, series.reference_end + (k + 1) * week) for k in range(len(counts)))
    return replace(series, reference=reference, counts=counts, numbers=numbers, spans=spans, moments=None)


def _calibration(
    plan: MonitorPlan,
    measure: DriftMeasure,
    found: Sequence[Series],
    counted: tuple[list[_Counted], list[_Counted], list[_Counted]],
) -> Calibration:
    months = [sum(c.windows for c in part) * plan.window_days / DAYS_A_MONTH for part in counted]
    alarms = [_rate([c.alarms for c in part], month, len(found)) for part, month in zip(counted, months, strict=True)]
    fixed = [_rate([c.fixed for c in part], month, len(found)) for part, month in zip(counted, months, strict=True)]
    known = measure.folklore is not None
    rates = [
        AlarmRate(s.column, *(float(a[k]) for a in alarms), *(float(f[k]) if known else None for f in fixed[:2]))
        for k, s in enumerate(found)
    ]
    sizes = [size for series in found for size in series.reference.sum(axis=1) if size]
    sums, fixed_sums = [float(a.sum()) for a in alarms], [float(f.sum()) if known else None for f in fixed]
    return Calibration(
        method=measure.name,
        budget=plan.false_alarms_per_month,
        expected_per_month=sums[0],
        seen_per_month=sums[1],
        since_per_month=sums[2],
        fixed_expected_per_month=fixed_sums[0],
        fixed_seen_per_month=fixed_sums[1],
        months_expected=months[0],
        months_seen=months[1],
        months_since=months[2],
        rows_per_window=int(np.median(sizes)) if sizes else 0,
        rows=tuple(sorted(rates, key=lambda r: (-r.expected_per_month, r.feature))),
    )


def _rate(counts: list[Counts], months: float, width: int) -> Counts:
    """(S,) per month."""
    total: Counts = np.sum(counts, axis=0, dtype=np.float64) if counts else np.zeros(width)
    return total / months if months else np.zeros(width)
