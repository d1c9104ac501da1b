"""Performance over time, and one window of it from every side. A click reruns only this."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from app import evidence
from app.cohorts import cohorts, pairs
from app.completeness import completeness_panel
from app.faults import boundary
from app.health import service_panel
from app.performance import Measured, timeline, window_picker
from app.session import View
from app.trust import boundary_panel, calibration_panel
from app.widgets import empty, why
from loop_core.monitor import PerformancePoint


@st.fragment
def explore(view: View, measured: Measured) -> None:
    """The shared time axis, and what is beneath the chosen window."""
    axis = st.container()
    with st.container(horizontal=True, vertical_alignment="center"):
        point = window_picker(measured)
        if point is not None:
            call = f"loop_core.monitor:performance(loop, as_of, metrics=({measured.metric!r},), cohort={point.cohort!r}, weeks={measured.weeks})"
            why(view, "One value of the chart above.", call, evidence.metric_sql(view, point), key="point")
    with axis, boundary():
        if measured.points or measured.estimated:
            timeline(view, measured, f"{point.window_start:%Y-%m-%d}" if point else None)
        if not view.presenting:
            st.caption(_legend(measured))
    _looks(view, measured, point)


def _looks(view: View, measured: Measured, point: PerformancePoint | None) -> None:
    looks: dict[str, Callable[[], None]] = {
        "Cohorts": lambda: _of(point, lambda one: cohorts(view, measured, one)),
        "Pairs of cohorts": lambda: _of(point, lambda one: pairs(view, measured, one)),
        "Calibration": lambda: calibration_panel(view, measured),
        "Near the threshold": lambda: boundary_panel(view, measured),
        "When labels come": lambda: completeness_panel(view, measured.cohort),
        "Service": lambda: service_panel(view, measured),
    }
    if view.presenting:
        looks["Cohorts"]()
        return
    for tab, show in zip(st.tabs(list(looks), key="look", bind="query-params"), looks.values(), strict=True):
        if tab.open:
            with tab, boundary():
                show()


def _of(point: PerformancePoint | None, show: Callable[[PerformancePoint], None]) -> None:
    if point is None:
        empty("No window is complete yet", "Groups can be told apart once labels are in.", key="nowindow")
    else:
        show(point)


def _legend(measured: Measured) -> str:
    parts = ["▲ alarm · ◆ watch"]
    if measured.pending:
        parts.append("hatched: labels still arriving, filled as far as they came")
    if measured.estimated:
        parts.append("hollow: estimated")
    return " · ".join(parts) + ". Click a point to look into its window."
