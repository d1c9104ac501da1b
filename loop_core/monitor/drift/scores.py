"""Drift of every feature and of the score, window by window."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain, compress, repeat, starmap
from typing import Any

import numpy as np

from loop_core.charter import MonitorPlan
from loop_core.monitor.drift.base import DriftMeasure
from loop_core.monitor.drift.judge import Verdicts, judge
from loop_core.monitor.drift.registry import measure_named
from loop_core.monitor.profiles import Counts, Series, profile_series
from loop_core.vocabulary import State
from loop_core.windows import Windows
from loop_core.workspace import Loop


@dataclass(frozen=True)
class DriftScore:
    """One feature in one window against the reference."""

    feature: str
    """Feature name, or `score`."""
    method: str
    """Name of the measure in `METHODS`."""
    window_start: datetime
    window_end: datetime
    """Exclusive."""
    cohort: str | None
    """Cohort name; None: everybody."""
    cohort_value: str | None
    value: float | None
    """What the measure says, ≥ 0, in its unit; None: it cannot tell, and `reason` says why."""
    threshold: float | None
    """The value from which on the window counts as moved, learned for its row count from the charter's budget."""
    p_value: float | None
    """Chance that a quiet window of as many rows reaches the value."""
    q_value: float | None
    """Evidence of the last windows together, corrected for all features of the window (Benjamini–Hochberg)."""
    folklore: float | None
    """The usual cut-off, shown for comparison and not used; None: the trade has none."""
    n_reference: int
    """Rows of the reference."""
    n_current: int
    """Rows of the window."""
    state: State
    """`watch`: moved beyond chance in this window, or certain but smaller than the charter's `min_shift`; `alarm`: often
    enough, or too far to wait."""
    reason: str = ""
    """Why it was not judged, or why it is `watch` at most; empty: it was judged."""
    is_answer: bool = False
    """Whether it is what the model said (`score`, `score_<class>`), and no feature."""
    expected_by_chance: float | None = None
    """About what the value would be on average if nothing had changed: what row counts like these make of nothing, in its
    unit; None: there is no value."""


def drift_scores(
    loop: Loop,
    as_of: datetime,
    *,
    weeks: int | None = 12,
    cohort: str | None = None,
    method: str = "psi",
    columns: Sequence[str] | None = None,
) -> list[DriftScore]:
    """Drift of features and score in the newest windows, oldest window first.

    Args:
        loop: the loop.
        as_of: UTC instant; nothing later is seen.
        weeks: how many windows (of the charter's `window_days`); None: all there are.
        cohort: split by this declared cohort, each value against its own reference. The budget of false alarms then
            holds for all values and features of the cohort together.
        method: name of the measure in `METHODS`.
        columns: only these, for which the budget then holds: features, `score`, `latency_ms`, `rating` (by the day it was
            given); None: the features and the score.

    Raises:
        UnknownNameError: no such cohort or measure.
    """
    measure, plan = measure_named(method), loop.charter.monitor
    windows = Windows.at(as_of, plan.window_days)
    # More than asked, because a state looks at the windows before it.
    wanted = None if weeks is None else weeks + plan.alarm_of - 1
    found = with_every_window(profile_series(loop, as_of, weeks=wanted, cohort=cohort, columns=columns), windows)
    return scored(plan, sorted(found, key=lambda s: (s.column, s.cohort_value or "")), measure, weeks)


def scored(
    plan: MonitorPlan, found: Sequence[Series], measure: DriftMeasure, newest: int | None = None
) -> list[DriftScore]:
    """Windows of series that have the same windows, by one measure: oldest window first, within it in the order given.

    Args:
        plan: the charter's.
        found: all with the same windows.
        measure: what to measure.
        newest: only so many windows; None: all.
    """
    if not found:
        return []
    verdicts, windows = judge(plan, found, measure), len(found[0].numbers)
    shown = slice(0 if newest is None else max(0, windows - newest), windows)
    return list(starmap(DriftScore, _cells(found, verdicts, measure, shown)))


def with_every_window(found: Sequence[Series], windows: Windows) -> list[Series]:
    """The same series, each with all windows from the first in which any has rows to the newest one."""
    first = min((series.numbers[0] for series in found if series.numbers), default=1)
    numbers = tuple(range(first, 1))
    return [_filled(series, numbers, windows) for series in found] if numbers else []


def _filled(series: Series, numbers: tuple[int, ...], windows: Windows) -> Series:
    if series.numbers == numbers:
        return series
    counts = np.zeros((len(numbers), series.reference.shape[1]))
    if series.numbers:
        counts[np.array(series.numbers) - numbers[0]] = series.counts
    spans = tuple(windows.span(number) for number in numbers)
    return replace(series, numbers=numbers, counts=counts, spans=spans, moments=None)


def _cells(
    found: Sequence[Series], verdicts: Verdicts, measure: DriftMeasure, shown: slice
) -> Iterator[tuple[Any, ...]]:
    """The fields of each score. Column by column: a year of cells of a cohort is sixteen thousand of them."""
    spans = found[0].spans[shown]

    def of_series(values: Iterable[Any]) -> list[Any]:
        return list(values) * len(spans)

    def of_cells(table: Counts) -> list[float | None]:
        return [None if number != number else number for number in table[:, shown].T.ravel().tolist()]

    said = chain.from_iterable(zip(*(verdicts.said(k)[shown] for k in range(len(found))), strict=True))
    states, reasons = zip(*said, strict=True)
    cells = zip(
        of_series(series.column for series in found),
        repeat(measure.name),
        [start for start, _ in spans for _ in found],
        [end for _, end in spans for _ in found],
        of_series(series.cohort for series in found),
        of_series(series.cohort_value for series in found),
        *map(of_cells, (verdicts.values, verdicts.thresholds, verdicts.p_values, verdicts.q_values)),
        repeat(measure.folklore),
        of_series(int(series.reference.sum()) for series in found),
        np.stack([series.counts[shown].sum(axis=1).astype(np.int64) for series in found], axis=1).ravel().tolist(),
        states,
        reasons,
        of_series(series.is_answer for series in found),
        of_cells(verdicts.by_chance),
        strict=False,
    )
    # The champion's first weeks are the reference of its score itself.
    return compress(cells, [not s.is_answer or end > s.reference_end for _, end in spans for s in found])
