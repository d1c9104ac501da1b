"""Realised metrics by window of prediction time; a window with too few mature labels is pending, not a number."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby

from loop_core.charter import Charter
from loop_core.figures import numbers_apart
from loop_core.monitor.baseline import judged
from loop_core.monitor.cut import Cut
from loop_core.monitor.groups import Place
from loop_core.monitor.losses import OF_NUMBERS
from loop_core.monitor.measure import Measured, rises
from loop_core.monitor.settled import Asked, Summary, hold_rows, read_summaries
from loop_core.monitor.shrink import shrink
from loop_core.monitor.still_out import with_bounds
from loop_core.vocabulary import State
from loop_core.windows import Windows
from loop_core.workspace import Loop

#: So many windows before the oldest one shown are read too, so that each is judged by what came before it.
HISTORY = 52


@dataclass(frozen=True)
class PerformancePoint:
    """One metric in one window of predictions."""

    metric: str
    window_start: datetime
    window_end: datetime
    """Exclusive; windows go by the time of prediction."""
    cohort: str | None
    """Cohort name; None: everybody."""
    cohort_value: str | None
    model_version: str | None
    """Who scored them, joined by ` + ` where several did."""
    value: float | None
    """The metric in its own unit; None: pending or not applicable."""
    ci_low: float | None
    """95 % interval (t for means over rows, DeLong for AUC)."""
    ci_high: float | None
    n: int
    """Labelled rows; while pending, those labelled so far."""
    mature_share: float
    """Share of the window's predictions whose label is known or overdue, 0..1."""
    state: State
    """`watch`/`alarm`: worse than the windows before let expect; `pending`: labels are still to come; `too_few`: they
    are in, and too few to judge."""
    length_days: int = 7
    """Length of the window: the charter's `window_days`, or for the long-term trend so many of them together."""
    shrunk: float | None = None
    """The value drawn towards everybody's by how little it is sure of itself; None: not in a cohort, or no value."""
    shrunk_ci_low: float | None = None
    """Its 95 % interval."""
    shrunk_ci_high: float | None = None
    small: bool = False
    """The cohort value has fewer labelled rows here than the charter asks of a cohort: read `shrunk`, not `value`."""
    waiting: int = 0
    """Predictions of the window whose label is still to come."""
    overdue: int = 0
    """Predictions that are due, whose label may come all the same; counted only where others wait."""
    bound_low: float | None = None
    """The least that the value can become by all of them, whatever they are and, where the charter does not count them as no, whichever
    never come; None: none is out, no value yet, or not known of it."""
    bound_high: float | None = None
    """The most."""

    @property
    def bounds(self) -> str:
        """How far labels still out could move the value, in words; empty: not at all, or not known."""
        if self.value is None or not self.waiting:
            return ""
        out = self.waiting + self.overdue
        labels = f"{out:,} labels" if out > 1 else "one label"
        if self.metric in OF_NUMBERS:
            return f"{labels} still out could move it by any amount: a number has no worst value"
        if self.bound_low is None or self.bound_high is None:
            return ""
        low, high = numbers_apart(self.bound_low, self.bound_high, digits=4)
        return f"{labels} still out could move it to anything from {low} to {high}"


def performance(
    loop: Loop,
    as_of: datetime,
    *,
    cohort: str | tuple[str, ...] | None = None,
    metrics: Sequence[str] | None = None,
    weeks: int | None = None,
    trend: bool = False,
) -> list[PerformancePoint]:
    """Realised metrics of scored predictions, oldest window first.

    Args:
        loop: the loop.
        as_of: UTC instant; labels known later are not used.
        cohort: split by this declared cohort, or by a pair: `("a", "b")` or `"a × b"`.
        metrics: names; None: those of the charter.
        weeks: only the newest windows; None: all. They are judged by 52 more before them all the same.
        trend: also the long-term trend: at every window, it and those before it together, `trend_windows` in all
            (`length_days` tells the two apart).

    Raises:
        UnknownNameError: no such cohort or metric.
    """
    cut, names = Cut.of(loop.charter, cohort), tuple(metrics or (m.name for m in loop.charter.watched))
    windows = Windows.at(as_of, loop.charter.monitor.window_days)
    lengths = (1, loop.charter.monitor.trend_windows) if trend else (1,)
    first = windows.number(windows.start(None if weeks is None else weeks + HISTORY))
    asked = Asked(loop, as_of, windows, (cut,), names, first, lengths)
    found = read_summaries(asked)
    shown = _Shown(loop.charter, windows, cut, names, first if weeks is None else 1 - weeks)
    return with_bounds(asked, [point for length in lengths for point in _points(shown, found[0, length], length)])


def cohort_performance(loop: Loop, as_of: datetime, *, metric: str, weeks: int) -> list[PerformancePoint]:
    """`performance` of one metric in every cohort value with rows enough, judged by the shown windows only: no others are
    read, and none is drawn towards the rest."""
    windows = Windows.at(as_of, loop.charter.monitor.window_days)
    cuts = tuple(Cut((cohort,)) for cohort in loop.charter.cohorts)
    if not cuts:
        return []
    found, points = read_summaries(Asked(loop, as_of, windows, cuts, (metric,), 1 - weeks)), []
    for place, cut in enumerate(cuts):
        large = {at: one for at, one in found[place, 1].items() if one.n >= cut.min_rows}
        points += [point for point, _ in _told(_Shown(loop.charter, windows, cut, (metric,), 1 - weeks), large, 1)]
    return points


def hold_windows(loop: Loop, as_of: datetime, *, weeks: int) -> None:
    """Before `performance` and `cohort_performance` of the same instant: what both read is read once."""
    windows, cohorts = Windows.at(as_of, loop.charter.monitor.window_days), loop.charter.cohorts
    cuts = (Cut(()), *(Cut((cohort,)) for cohort in cohorts))
    hold_rows(Asked(loop, as_of, windows, cuts, tuple(m.name for m in loop.charter.watched), 1 - weeks))


@dataclass(frozen=True)
class _Shown:
    """What is asked for."""

    charter: Charter
    windows: Windows
    cut: Cut
    names: tuple[str, ...]
    first: int
    """Number of the oldest window that is given back; those before it only judge."""


def _points(shown: _Shown, summaries: Mapping[Place, Summary], length: int) -> Iterator[PerformancePoint]:
    """Points of windows of `length` charter windows each, drawn together where there are several in a window."""
    for _, window in groupby(_told(shown, summaries, length), lambda one: one[0].window_end):
        yield from _shrunken(shown, list(window))


def _told(
    shown: _Shown, summaries: Mapping[Place, Summary], length: int
) -> Iterator[tuple[PerformancePoint, Measured | None]]:
    history: dict[tuple[str, str | None, int], list[float]] = {}
    for (w, value), summary in summaries.items():
        for name in shown.names:
            # Windows that overlap say the same twice, so a trend is judged by those that ended before it began.
            before = history.setdefault((name, value, w % length), [])
            found = summary.measured.get(name)
            state = _state(shown.charter, name, summary, before)
            if w >= shown.first:
                yield _point(shown, (w, value), length, summary, _Judged(name, found, state)), found


@dataclass(frozen=True)
class _Judged:
    metric: str
    found: Measured | None
    state: State


def _point(shown: _Shown, place: Place, length: int, summary: Summary, told: _Judged) -> PerformancePoint:
    w, value = place
    low, high = told.found.interval if told.found else (None, None)
    return PerformancePoint(
        metric=told.metric,
        window_start=shown.windows.span(w - length + 1)[0],
        window_end=shown.windows.span(w)[1],
        cohort=shown.cut.name,
        cohort_value=value,
        model_version=summary.model_version,
        value=told.found.value if told.found else None,
        ci_low=low,
        ci_high=high,
        n=summary.n,
        mature_share=summary.mature_share,
        state=told.state,
        length_days=shown.windows.days * length,
        small=summary.n < shown.cut.min_rows,
        waiting=summary.predictions - summary.mature,
    )


def _shrunken(shown: _Shown, window: Sequence[tuple[PerformancePoint, Measured | None]]) -> Iterator[PerformancePoint]:
    """The points of one window, each cohort value drawn towards the others."""
    if not shown.cut.cohorts:
        yield from (point for point, _ in window)
        return
    drawn = {}
    for name in shown.names:
        some = [(point, found) for point, found in window if found is not None and point.metric == name]
        if some:
            together = shrink([found.value for _, found in some], [found.se for _, found in some])
            drawn.update({id(point): one for (point, _), one in zip(some, together, strict=True)})
    for point, _ in window:
        one = drawn.get(id(point))
        yield replace(point, shrunk=one.value, shrunk_ci_low=one.ci_low, shrunk_ci_high=one.ci_high) if one else point


def _mature(charter: Charter, summary: Summary) -> bool:
    return summary.mature_share >= charter.labels.min_mature_share


def _state(charter: Charter, name: str, summary: Summary, before: list[float]) -> State:
    """Judge the window against the quiet ones before it, and add it to them if it is quiet too."""
    if not _mature(charter, summary):
        return State.PENDING
    if summary.n < charter.monitor.min_rows:
        return State.TOO_FEW
    found = summary.measured.get(name)
    if found is None:
        return State.NOT_APPLICABLE
    bad = rises(name, found.value)
    margin = next((m.margin for m in charter.watched if m.name == name), 0.0)
    state = judged(bad, found.se, before, margin)
    if state is State.OK:
        # A lasting fall must not become the new usual.
        before.append(bad)
    return state
