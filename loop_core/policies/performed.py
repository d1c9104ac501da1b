"""What the monitor would have said of a policy's own models: their realised metrics, as their labels came in."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import numpy as np

from loop_core.charter import Charter
from loop_core.monitor import Finding, PerformancePoint
from loop_core.monitor.baseline import BEFORE, judged
from loop_core.monitor.check_performance import check_performance
from loop_core.monitor.groups import Group
from loop_core.monitor.many import measure
from loop_core.monitor.measure import Measured, rises
from loop_core.policies.past import Floats, Known, Past, micros
from loop_core.vocabulary import State
from loop_core.windows import Windows


def performance_findings(past: Past, scores: Floats, known: Known, as_of: datetime) -> list[Finding]:
    """A finding per metric of the charter, as `check_performance` makes them of the windows served so far.

    Args:
        past: the rows.
        scores: (n,) or (n, n_classes) answers of the models of their time.
        known: labels as known at `as_of`.
        as_of: UTC instant.
    """
    charter = past.loop.charter
    windows = Windows.at(as_of, charter.monitor.window_days)
    return list(check_performance(list(_points(charter, windows, _groups(past, windows, scores, known)))))


def _groups(past: Past, windows: Windows, scores: Floats, known: Known) -> list[tuple[int, Group]]:
    """(window, its rows), oldest first; the windows that lie in the span as a whole, as many as can matter."""
    horizon = past.loop.charter.labels.horizon_days
    first = max(windows.number(past.start), -2 * BEFORE - int(horizon // windows.days))
    found = []
    for number in range(first, 1):
        start, end = windows.span(number)
        if start >= past.start:
            rows = slice(*past.at[: len(known.labels)].searchsorted([micros(start), micros(end)]))
            labels, there = known.labels[rows], ~np.isnan(known.labels[rows])
            group = Group(
                scores[rows][there], labels[there], None, len(labels), int(known.mature[rows].sum()), frozenset()
            )
            found.append((number, group))
    return found


def _points(charter: Charter, windows: Windows, groups: list[tuple[int, Group]]) -> Iterator[PerformancePoint]:
    names, before = tuple(metric.name for metric in charter.watched), {m.name: list[float]() for m in charter.watched}
    for number, group in groups:
        found = measure(names, group) if group.n else dict.fromkeys(names)
        for name in names:
            state = _state(charter, name, group, found[name], before[name])
            yield _point(name, windows.span(number), group, found[name], state)


def _state(charter: Charter, name: str, group: Group, found: Measured | None, before: list[float]) -> State:
    """As `performance` judges a window: against the quiet ones before it."""
    if not group.predictions or group.mature < charter.labels.min_mature_share * group.predictions:
        return State.PENDING
    if group.n < charter.monitor.min_rows:
        return State.TOO_FEW
    if found is None:
        return State.NOT_APPLICABLE
    bad = rises(name, found.value)
    margin = next(m.margin for m in charter.watched if m.name == name)
    state = judged(bad, found.se, before, margin)
    if state is State.OK:
        before.append(bad)
    return state


def _point(
    name: str, span: tuple[datetime, datetime], group: Group, found: Measured | None, state: State
) -> PerformancePoint:
    low, high = found.interval if found else (None, None)
    return PerformancePoint(
        metric=name,
        window_start=span[0],
        window_end=span[1],
        cohort=None,
        cohort_value=None,
        model_version=None,
        value=found.value if found else None,
        ci_low=low,
        ci_high=high,
        n=group.n,
        mature_share=group.mature / group.predictions if group.predictions else 0.0,
        state=state,
    )
