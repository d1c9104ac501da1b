"""Can a score be taken at its word: calibration, and the operating threshold."""

from __future__ import annotations

import streamlit as st

from app import evidence, session
from app.completeness import LINES, split_picker
from app.drawn import draw
from app.faults import plain
from app.performance import Measured
from app.session import View
from app.widgets import chip, empty, moment, why
from loop_core import charts
from loop_core.figures import numbers_apart, shares_apart
from loop_core.monitor import calibration, decision_boundary, service_health
from loop_core.monitor.reliability import ReliabilityCurve
from loop_core.vocabulary import State, Task

_WORD = {
    Task.BINARY: "a probability keeps its word",
    Task.MULTICLASS: "the model is right as often as it is sure of its class",
    Task.REGRESSION: "predictions are right on average",
}
_BINS = "Fifteen bins of equal mass"
_COX = "the error (ECE) is corrected for its upward bias; slope and intercept are Cox's."
_HOW = {
    Task.BINARY: f"{_BINS} with Wilson intervals; {_COX}",
    Task.MULTICLASS: f"{_BINS} of the most probable class's score, and the share of rows where it was right; {_COX}",
    Task.REGRESSION: f"{_BINS}: the mean of what came, with t intervals, against the mean prediction; the error is corrected"
    " for its upward bias; slope is of a straight line.",
}


def calibration_panel(view: View, measured: Measured) -> None:
    """Reliability with intervals by group over all mature windows, and the calibration error over time."""
    split = split_picker(view, "calibrated", measured.cohort)
    curves = session.compute(view, calibration, cohort=split)
    drawn = sorted((curve for curve in curves if curve.bins), key=lambda curve: -curve.n)[:LINES]
    if not drawn:
        empty("Calibration cannot be told yet", "It needs a mature window with enough labels.", key="nocalibration")
        return
    left, right = st.columns(2, gap="large")
    with left:
        numbers = drawn[0].unit is not None
        st.markdown("##### What came against what was predicted" if numbers else "##### Observed share against score")
        draw(charts.reliability_chart(drawn), key="reliability")
        largest = f"The {len(drawn)} largest of {len(curves)} groups. " if len(curves) > len(drawn) else ""
        st.caption(f"{largest}On the dashed diagonal {_WORD[view.loop.charter.loop.task]}.")
    with right:
        st.markdown("##### Calibration error over time")
        everybody = measured.mine(session.compute(view, calibration, cohort=measured.split, over_time=True))
        draw(charts.calibration_trend([c for c in everybody if c.ece is not None]), key="calibration_trend")
    for curve in drawn:
        _said(curve)
    why(
        view,
        _HOW[view.loop.charter.loop.task],
        f"loop_core.monitor:calibration(loop, as_of, cohort={split!r})",
        key="calibration",
    )


def boundary_panel(view: View, measured: Measured) -> None:
    """Where scores lie around a threshold, and how often decisions there are wrong."""
    if view.loop.charter.loop.task is not Task.BINARY:
        empty(
            "This model says no yes or no",
            "Only a yes/no model has one threshold; see the calibration above.",
            key="nothreshold",
        )
        return
    threshold = _threshold(view, measured)
    found = measured.mine(session.compute(view, decision_boundary, cohort=measured.split, threshold=threshold))
    if not found or not found[0].n:
        empty("There is no mature window yet", "Decisions can be checked once labels are in.", key="noboundary")
        return
    bands = found[0]
    wrong = ""
    if bands.near_error_share is not None:
        ends = (bands.near_ci_low, bands.near_ci_high)
        share, *inside = shares_apart(bands.near_error_share, *(end for end in ends if end is not None))
        wrong = f", and {share} of those are decided wrongly" + (f" ({' – '.join(inside)})" if inside else "")
    st.markdown(f"**{bands.near_share:.1%} of scores lie within 0.05 of the threshold {bands.threshold:.3g}**{wrong}.")
    draw(charts.boundary_chart(bands), key="boundary")
    st.caption(
        f"Grey: share of all predictions; ▲ share decided wrongly. {moment(bands.window_start)} – {moment(bands.window_end)} · "
        f"n = {bands.n:,}, labelled {bands.n_labelled:,} · model {plain(charts.short(bands.model_version))}"
    )
    why(
        view,
        "Only windows whose labels are mature count. A score within 0.05 of the threshold turns over with a small shift.",
        f"loop_core.monitor:decision_boundary(loop, as_of, cohort={measured.split!r}, threshold={threshold!r})",
        evidence.boundary_sql(view, bands),
        key="boundary",
    )


def _threshold(view: View, measured: Measured) -> float:
    """From which score on the model says yes: asked for, and to start with by the charter's costs, or the highest tenth of the
    newest scores."""
    named = view.loop.charter.threshold
    health = measured.mine(session.compute(view, service_health, cohort=measured.split, weeks=measured.weeks))
    tenth = next((point.score_p90 for point in reversed(health) if point.score_p90 is not None), 0.5)
    start = round(min(max(tenth if named is None else named, 0.0), 1.0), 2)
    if view.presenting:
        return start
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown("yes from the score", width="content")
        chosen = st.number_input(
            "Threshold", 0.0, 1.0, start, 0.01, key="threshold", bind="query-params", width=130, label_visibility="collapsed",
            help="To start with: where the charter's costs make yes the cheaper answer."
            if named is not None
            else "The charter names no costs; to start with, the highest tenth of the newest window's scores is yes.",
        )  # fmt: skip
    return float(chosen)


def _said(curve: ReliabilityCurve) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        chip(curve.state)
        st.markdown(
            f"**{plain(curve.cohort_value) if curve.cohort_value is not None else 'everybody'}** · n = {curve.n:,}"
        )
    parts = []
    if curve.ece is not None:
        ends = [end for end in (curve.ece_ci_low, curve.ece_ci_high) if end is not None]
        off, *inside = _sizes(curve.unit, curve.ece, *ends)
        interval = f" ({' – '.join(inside)})" if len(inside) == 2 else ""
        parts.append(f"{'scores' if curve.unit is None else 'predictions'} are off by {off} on average{interval}")
    if curve.slope is not None:
        ends = [end for end in (curve.slope_ci_low, curve.slope_ci_high) if end is not None]
        slope, *inside = numbers_apart(curve.slope, *ends, digits=2)
        parts.append(f"slope {slope}" + (f" ({' – '.join(inside)})" if inside else ""))
    if curve.intercept is not None and curve.state in (State.WATCH, State.ALARM):
        parts.append("they are too low" if curve.intercept > 0 else "they are too high")
    st.caption("; ".join(parts) + "." if parts else "too few rows to say more.")


def _sizes(unit: str | None, *values: float) -> tuple[str, ...]:
    """Shares in per cent, or sizes in the unit of the label."""
    if unit is None:
        return shares_apart(*values, digits=1)
    return tuple(f"{value} {unit}".strip() for value in numbers_apart(*values, digits=2))
