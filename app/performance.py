"""The opening of the Performance page, and what stands on its shared time axis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from app import session
from app.drawn import draw_once
from app.faults import boundary, plain
from app.session import View
from app.widgets import EVERYBODY, cohort_picker, labelled, moment, short, spaced, verdict, why
from loop_core import charts
from loop_core.errors import DamagedFileError, LoopbenchError
from loop_core.figures import numbers_apart
from loop_core.monitor import (
    EstimatedPoint,
    HealthPoint,
    PerformancePoint,
    drift_scores,
    estimated_performance,
    performance,
    service_health,
)
from loop_core.monitor.about_champion import note_of
from loop_core.vocabulary import State

WEEKS = (26, 52, 104)
VALUES = 11
HOW = """A window counts predictions by prediction time and is reported once {asked:.0%} of them are mature; before
that it is pending (hatched, filled as far as labels came), because the labels that arrive first are no fair sample.
Meanwhile the estimate says what is to be expected without labels; it holds as long as scores and inputs mean what they
meant in the reference. The trend is the same metric over {trend} windows together."""


@dataclass(frozen=True)
class Measured:
    """One metric of one group, and what stands beside it on the time axis."""

    metric: str
    weeks: int
    cohort: str | None
    value: str | None
    """None: everybody, also where a cohort is chosen."""
    points: Sequence[PerformancePoint]
    trend: Sequence[PerformancePoint]
    estimated: Sequence[EstimatedPoint]
    problem: DamagedFileError | None
    """Why there are no points; None: nothing is wrong."""

    @property
    def known(self) -> list[PerformancePoint]:
        """Windows that have a value, oldest first."""
        return [point for point in self.points if point.value is not None]

    @property
    def pending(self) -> list[PerformancePoint]:
        """Windows whose labels still arrive."""
        return [point for point in self.points if point.state is State.PENDING]

    @property
    def split(self) -> str | None:
        """The cohort by which results have to be cut to be about this group."""
        return self.cohort if self.value is not None else None

    @property
    def asked(self) -> tuple[object, ...]:
        """What was chosen: the same, the same results."""
        return self.metric, self.weeks, self.cohort, self.value

    def mine(self, results: Sequence[Any]) -> list[Any]:
        """Those of results cut by `split` that are about this group."""
        return [one for one in results if one.cohort_value == self.value]


def choices(view: View) -> Measured:
    """Pickers of metric, span and cohort → what is measured."""
    names = [declared.name for declared in view.loop.charter.watched]
    with st.container(horizontal=True, key="side_choices", vertical_alignment="center"):
        metric = str(labelled("metric", "Metric", names, key="metric", width=120, format_func=spaced))
        weeks = int(labelled("windows", "Windows", WEEKS, key="weeks", width=90, index=1))
        cohort = cohort_picker(view)
        asked = view.loop.charter.labels.min_mature_share
        how = HOW.format(asked=asked, trend=view.loop.charter.monitor.trend_windows)
        asking = st.container(width="content")
    value = _value_picker(view, cohort, weeks) if cohort else None
    split = cohort if value is not None else None
    with asking:
        of = f"cohort={split!r}, weeks={weeks}, trend=True"
        why(view, how, f"loop_core.monitor:performance(loop, as_of, metrics=({metric!r},), {of})")
    points, problem = _points(view, weeks, split)
    mine = [p for p in points if p.metric == metric and p.cohort_value == value]
    short_term = view.loop.charter.monitor.window_days
    return Measured(
        metric, weeks, cohort, value, [p for p in mine if p.length_days == short_term], [p for p in mine if p.length_days > short_term],
        _estimates(view, metric, weeks, split, value), problem,
    )  # fmt: skip


def finding(view: View, measured: Measured) -> None:
    """The newest complete window in one sentence, what still waits, and what is expected of it."""
    metric, waits = spaced(measured.metric), _waits(measured)
    if measured.known:
        last = measured.known[-1]
        note = note_of(last.window_start, last.model_version, view.loop.tenures(view.as_of))
        verdict(
            f"{metric} was {_interval(last)} in the newest complete window{waits}" + (f" {note}" if note else ""),
            State.PENDING if note else last.state,
            f"{_window(last)} · n = {last.n:,} · model {short(last.model_version)} · labels {last.mature_share:.0%} complete"
            + (f" · {last.bounds}" if last.bounds else "")
            + _trend(measured),
        )
    elif measured.pending:
        horizon = (
            f"A label is known at the latest {view.loop.charter.labels.horizon_days:.0f} days after its prediction."
        )
        verdict(f"No window of {metric} has enough labels yet{waits}", State.PENDING, horizon)
    else:
        rows = f"{view.loop.charter.monitor.min_rows} labelled rows are asked for."
        verdict(f"Every window is too small to tell {metric}.", State.TOO_FEW, rows)


def timeline(view: View, measured: Measured, selected: str | None) -> None:
    """Drift above performance above ratings above latency, on one time axis."""
    span = charts.span_of([*measured.points, *measured.estimated])
    with st.container(key="stack", gap="small"):
        _drift_above(view, measured, span)
        releases = [(tenure.since, tenure.version) for tenure in _tenures(view)]
        beside = charts.Beside(measured.estimated, measured.trend, releases, selected)
        draw_once(
            view,
            lambda: charts.performance_chart(measured.points, span, beside),
            key="performance",
            of=(*measured.asked, selected),
            on_select=take_clicked_window,
        )
        _people_and_machines(view, measured, span)


def take_clicked_window() -> None:
    """A window clicked in the chart becomes the chosen one."""
    points = st.session_state["performance"].selection.get("point", [])
    if points:
        st.session_state["window"] = points[0]["window"][:10]


def window_picker(measured: Measured) -> PerformancePoint | None:
    """Which complete window the parts beneath are about; None: there is none."""
    if not measured.known:
        return None
    days = [f"{point.window_start:%Y-%m-%d}" for point in reversed(measured.known)]
    with st.container(horizontal=True, key="side_detail", vertical_alignment="center", width="content"):
        first = labelled("in the window from", "Window", days, key="window", width=150)
    return next((p for p in measured.known if f"{p.window_start:%Y-%m-%d}" == first), measured.known[-1])


def _drift_above(view: View, measured: Measured, span: charts.Span) -> None:
    days = view.loop.charter.monitor.window_days
    with boundary():
        drift = session.compute(
            view, drift_scores, weeks=max(1, round((span[1] - span[0]).days / days)), cohort=measured.split
        )
        if drift:
            mine = measured.mine(drift)
            draw_once(view, lambda: charts.drift_strip(mine, span, labels=False), key="drift_strip", of=measured.asked)


def _people_and_machines(view: View, measured: Measured, span: charts.Span) -> None:
    with boundary():
        health: list[HealthPoint] = measured.mine(
            session.compute(view, service_health, cohort=measured.split, weeks=measured.weeks)
        )
        health = [point for point in health if point.window_start >= span[0]]
        if any(point.rating_mean is not None for point in health):
            draw_once(
                view, lambda: charts.rating_strip(health, span, labels=False), key="rating_strip", of=measured.asked
            )
        if any(point.latency_p95_ms is not None for point in health):
            budget = view.loop.charter.monitor.latency_p95_ms
            draw_once(view, lambda: charts.latency_strip(health, span, budget), key="latency_strip", of=measured.asked)


def _points(view: View, weeks: int, split: str | None) -> tuple[Sequence[PerformancePoint], DamagedFileError | None]:
    # What needs none of the file's rows is shown all the same.
    try:
        return session.compute(view, performance, cohort=split, weeks=weeks, trend=True), None
    except DamagedFileError as error:
        return (), error


def _estimates(view: View, metric: str, weeks: int, split: str | None, value: str | None) -> list[EstimatedPoint]:
    # Estimates are extra: where they cannot be made, the realised metric is shown without them.
    try:
        found = session.compute(view, estimated_performance, cohort=split, metrics=(metric,), weeks=weeks)
    except LoopbenchError:
        return []
    return [point for point in found if point.cohort_value == value and point.value is not None]


def _value_picker(view: View, cohort: str, weeks: int) -> str | None:
    sizes: dict[str, int] = {}
    for point in session.compute(view, service_health, cohort=cohort, weeks=weeks):
        sizes[str(point.cohort_value)] = sizes.get(str(point.cohort_value), 0) + point.n
    values = [EVERYBODY, *sorted(sizes, key=lambda value: -sizes[value])[:VALUES]]
    chosen = st.pills(
        cohort, values, default=EVERYBODY, key="value", bind="query-params", required=True,
        label_visibility="collapsed", format_func=plain,
    )  # fmt: skip
    return None if chosen in (None, EVERYBODY) else str(chosen)


def _tenures(view: View) -> Sequence[Any]:
    from loop_core.release import state

    with boundary():
        return session.compute(view, state).tenures
    return ()


def _waits(measured: Measured) -> str:
    pending = measured.pending
    if not pending:
        return "."
    many = f"{len(pending)} windows still wait" if pending[1:] else "one window still waits"
    newest = [point for point in measured.estimated if point.window_start == pending[-1].window_start]
    expected = f", the newest is estimated at {_interval(newest[0])}" if newest else ""
    return f"; {many} for labels{expected}."


def _trend(measured: Measured) -> str:
    known = [point for point in measured.trend if point.value is not None]
    return f" · trend over {known[-1].length_days} days {known[-1].value:.3f}" if known else ""


def _interval(point: PerformancePoint | EstimatedPoint) -> str:
    ends = [end for end in (point.ci_low, point.ci_high) if end is not None]
    value, *inside = numbers_apart(point.value or 0.0, *ends)
    return f"{value} ({' – '.join(inside)})" if inside else value


def _window(point: PerformancePoint) -> str:
    return f"{moment(point.window_start)} – {moment(point.window_end)}"
