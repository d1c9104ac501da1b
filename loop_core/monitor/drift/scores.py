"""Drift of every feature and of the score, window by window."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from loop_core.charter import MonitorPlan
from loop_core.labels import known_at
from loop_core.monitor.drift.psi import psi
from loop_core.monitor.drift.threshold import learned_threshold
from loop_core.monitor.profiles.binning import Counts
from loop_core.monitor.profiles.counts import Selection, Table, count
from loop_core.monitor.profiles.reference import Reference, feature_reference, score_reference, score_selection
from loop_core.vocabulary import State
from loop_core.windows import Windows
from loop_core.workspace import Loop

#: A feature alarms when this many of its last `OF` windows are over their threshold, …
TIMES, OF = 2, 3
#: Chance that one quiet window of one feature is over its threshold.
ALARM_SHARE = 0.05
#: The usual cut-off of the trade.
FOLKLORE = 0.1
#: … or at once when it is this many times over.
URGENT_RATIO = 2.0


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
    """What the measure says, ≥ 0, in its unit; None: it cannot tell."""
    threshold: float | None
    """The value that a quiet window of as many rows stays under; None: not enough rows."""
    p_value: float | None
    """Chance that a quiet window of as many rows reaches the value; None: not enough rows."""
    q_value: float | None
    """The p-value corrected for the features looked at in the same window (Benjamini–Hochberg)."""
    folklore: float | None
    """The usual cut-off, shown for comparison and not used; None: the trade has none."""
    n_reference: int
    """Rows of the reference."""
    n_current: int
    """Rows of the window."""
    state: State
    """`watch`: over its threshold; `alarm`: for the second time in three windows, or twice over it."""


def drift_scores(loop: Loop, as_of: datetime, *, weeks: int | None = 12, cohort: str | None = None) -> list[DriftScore]:
    """PSI of features and score in the newest windows, oldest window first.

    Args:
        loop: the loop.
        as_of: UTC instant; nothing later is seen.
        weeks: how many windows (of the charter's `window_days`); None: all there are.
        cohort: split by this declared cohort, each value against its own reference.

    Raises:
        UnknownNameError: no such cohort.
    """
    reading = known_at(loop, as_of)
    windows = Windows.at(as_of, loop.charter.monitor.window_days)
    group = loop.charter.cohort(cohort) if cohort else None
    # Two more than asked, because a state looks at the windows before it.
    start = windows.start(None if weeks is None else weeks + OF - 1)
    current = Selection(reading, windows, start, windows.end, group)
    found = [*_features(loop, current), *_score(loop, current)]
    shown = windows.start(weeks)
    return sorted(
        (s for s in found if s.window_start >= shown), key=lambda s: (s.window_start, s.feature, s.cohort_value or "")
    )


def _features(loop: Loop, current: Selection) -> Iterator[DriftScore]:
    reference = feature_reference(loop, current.reading, current.cohort)
    if reference is not None:
        yield from _scored(loop.charter.monitor, reference, count(current, reference.bins), current)


def _score(loop: Loop, current: Selection) -> Iterator[DriftScore]:
    reference = score_reference(loop, current.reading, current.cohort)
    champion = loop.champion(current.reading.as_of)
    if reference is not None and champion is not None:
        tables = count(score_selection(current, champion), reference.bins)
        # Its first weeks are the reference itself.
        yield from (
            s for s in _scored(loop.charter.monitor, reference, tables, current) if s.window_end > reference.end
        )


def _scored(
    plan: MonitorPlan, reference: Reference, tables: Mapping[str, Table], current: Selection
) -> Iterator[DriftScore]:
    for name, table in tables.items():
        by_value: dict[str | None, list[int]] = {}
        for window, value in sorted(table, key=lambda key: (key[1] or "", key[0])):
            by_value.setdefault(value, []).append(window)
        for value, numbers in by_value.items():
            yield from _series(plan, reference, name, value, {w: table[w, value] for w in numbers}, current)


def _series(
    plan: MonitorPlan,
    reference: Reference,
    name: str,
    value: str | None,
    counts: Mapping[int, Counts],
    current: Selection,
) -> Iterator[DriftScore]:
    """One feature of one cohort value, in time order, so that persistence can be told."""
    usual = reference.of(name, value)
    over: dict[int, bool] = {}
    for window, found in counts.items():
        n = int(found.sum())
        index = threshold = None
        if min(n, int(usual.sum())) >= plan.min_rows:
            index = float(psi(usual.sum(axis=0), found))
            threshold = learned_threshold(usual, n, ALARM_SHARE)
            over[window] = index > threshold
        start, end = current.windows.span(window)
        yield DriftScore(
            feature=name,
            method="psi",
            window_start=start,
            window_end=end,
            cohort=current.cohort.name if current.cohort else None,
            cohort_value=value,
            value=index,
            threshold=threshold,
            p_value=None,
            q_value=None,
            folklore=FOLKLORE,
            n_reference=int(usual.sum()),
            n_current=n,
            state=_state(index, threshold, sum(over.get(window - back, False) for back in range(OF))),
        )


def _state(index: float | None, threshold: float | None, times: int) -> State:
    if index is None or threshold is None:
        return State.TOO_FEW
    if index <= threshold:
        return State.OK
    return State.ALARM if times >= TIMES or index > URGENT_RATIO * threshold else State.WATCH
