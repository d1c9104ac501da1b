"""How often does the drift monitor cry wolf? What its thresholds promise, and what this loop's own past says."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from loop_core.charter import MonitorPlan
from loop_core.errors import NotReadyError
from loop_core.figures import numbers_apart
from loop_core.monitor.drift.alarm_rule import DAYS_A_MONTH
from loop_core.monitor.drift.base import DriftMeasure
from loop_core.monitor.drift.evidence import with_whole_windows
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
    seen_per_month: float | None
    """In the reference period, each part judged against the others; None: it has too few windows for that."""
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
    seen_per_month: float | None
    """Alarms in the reference period, which is quiet by definition; None: it has too few windows."""
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
        expected, _ = numbers_apart(self.expected_per_month, self.budget, digits=2)
        seen = "too few windows to tell" if self.seen_per_month is None else f"{self.seen_per_month:.2f} a month"
        loudest = ", ".join(row.feature for row in self.rows[:3])
        why = f" Most are from {loudest}: they move within the reference itself." if kept == "OVER" else ""
        return (
            f"{expected} false alarms a month expected, {kept} the budget of {self.budget:g}{fixed}."
            f" Seen in the reference period: {seen}; since: {self.since_per_month:.2f}.{why}"
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
    told = (s for s in with_every_window(profile_series(loop, as_of, weeks=None), windows) if len(s.reference))
    # The longest references first: those that can be judged part by part.
    found = sorted((with_whole_windows(plan, s) for s in told), key=lambda s: -len(s.reference))
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
    sizes, shares = usual.windows.sum(axis=1), _without_noise(usual)
    chosen = rng.integers(len(sizes), size=len(sizes) + WINDOWS)
    if usual.is_slow:
        chosen[: len(sizes)].sort()
    drawn = rng.multinomial(sizes[chosen].astype(int), shares[chosen]).astype(np.float64)
    return _with_windows(series, drawn[: len(sizes)], drawn[len(sizes) :])


def _without_noise(usual: Usual) -> Counts:
    """(R, K) shares of the reference's windows, moved towards their mean by as much as they differ by sampling noise."""
    pooled, sizes = usual.total / usual.total.sum(), usual.windows.sum(axis=1, keepdims=True)
    apart = usual.windows / sizes - pooled
    distance = float((apart**2 / np.maximum(pooled, 0.5 / usual.total.sum())).sum(axis=1).mean())
    real = np.sqrt(min(1.0, usual.swing.size / distance)) if distance > 0 else 0.0
    shares: Counts = pooled + real * apart
    return shares


def _parts(plan: MonitorPlan, found: Sequence[Series]) -> list[list[Series]]:
    """The reference's windows part by part, each with the other parts as its reference."""
    count = len(found[0].reference)
    if count < 2 * PARTS:
        return []
    return [
        [_with_windows(s, np.delete(s.reference, part, axis=0), s.reference[part]) for s in _alike(found)]
        for part in np.array_split(np.arange(count), PARTS)
    ]


def _alike(found: Sequence[Series]) -> list[Series]:
    """Those with as many windows in the reference as the first; the score has fewer."""
    return [series for series in found if len(series.reference) == len(found[0].reference)]


def _with_windows(series: Series, reference: Counts, counts: Counts) -> Series:
    numbers = tuple(range(1 - len(counts), 1))
    # The windows are made up, and so is their time: after the reference.
    week = (series.reference_end - series.reference_start) / max(1, len(series.reference))
    spans = tuple((series.reference_end + k * week, series.reference_end + (k + 1) * week) for k in range(len(counts)))
    return replace(series, reference=reference, counts=counts, numbers=numbers, spans=spans, moments=None)


def _calibration(
    plan: MonitorPlan,
    measure: DriftMeasure,
    found: Sequence[Series],
    counted: tuple[list[_Counted], list[_Counted], list[_Counted]],
) -> Calibration:
    months = [sum(c.windows for c in part) * plan.window_days / DAYS_A_MONTH for part in counted]
    alarms = [_rates([c.alarms for c in part], month, len(found)) for part, month in zip(counted, months, strict=True)]
    fixed = [_rates([c.fixed for c in part], month, len(found)) for part, month in zip(counted, months, strict=True)]
    if measure.folklore is None:
        fixed = [np.full(len(found), np.nan)] * len(fixed)
    rates = [
        AlarmRate(s.column, a or 0.0, b, c or 0.0, d, e)
        for s, (a, b, c, d, e) in zip(found, (_numbers(row) for row in zip(*alarms, *fixed[:2], strict=True)), strict=True)
    ]  # fmt: skip
    expected, seen, since, fixed_expected, fixed_seen = _numbers([_total(a) for a in (*alarms, *fixed[:2])])
    sizes = [size for series in found for size in series.reference.sum(axis=1) if size]
    return Calibration(
        method=measure.name,
        budget=plan.false_alarms_per_month,
        expected_per_month=expected or 0.0,
        seen_per_month=seen,
        since_per_month=since or 0.0,
        fixed_expected_per_month=fixed_expected,
        fixed_seen_per_month=fixed_seen,
        months_expected=months[0],
        months_seen=months[1],
        months_since=months[2],
        rows_per_window=int(np.median(sizes)) if sizes else 0,
        rows=tuple(sorted(rates, key=lambda r: (-r.expected_per_month, r.feature))),
    )


def _rates(counts: list[Counts], months: float, width: int) -> Counts:
    """(width,) per month; NaN for series that were not judged."""
    if not months:
        return np.full(width, np.nan)
    total: Counts = np.asarray(np.sum(counts, axis=0, dtype=np.float64)) / months
    return np.append(total, np.full(width - len(total), np.nan))


def _total(rates: Counts) -> float:
    """Of all series that were judged; NaN: none was."""
    told = rates[np.isfinite(rates)]
    return float(told.sum()) if len(told) else float("nan")


def _numbers(values: Iterable[float]) -> list[float | None]:
    return [None if np.isnan(value) else float(value) for value in values]
