"""One feature: reference beside current, its drift over time, in which groups it moved, and whether it matters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import altair as alt

from loop_core.charts.drift import LOUD, TOOLTIP, UNKNOWN, cell, weight
from loop_core.charts.palette import (
    BLUE,
    CURRENT,
    GREY,
    REFERENCE,
    STATES,
    VERMILION,
    chart,
    coloured,
    dashed,
    described,
    shaped,
    time_x,
    value_y,
)
from loop_core.monitor.drift.titles import TITLES
from loop_core.vocabulary import State

if TYPE_CHECKING:
    from loop_core.monitor import DriftScore

#: Every state that a drawn score may have.
_DRAWN = [s.value for s in (State.OK, *LOUD, *UNKNOWN)]


def drift_line(scores: Sequence[DriftScore], selected: str | None = None) -> alt.LayerChart:
    """One feature's score by window; the band is what quiet windows of as many rows stay in, dashed grey is folklore.

    Args:
        scores: one feature, one cohort value, one method, in time order.
        selected: first day (ISO text) of the window that is marked.
    """
    rows = [cell(s) for s in scores]
    known = [row for row in rows if row["value"] is not None]
    title = TITLES.get(scores[-1].method, scores[-1].method) if scores else "drift"
    base = chart(known).encode(x=time_x("middle"), tooltip=TOOLTIP)
    band = base.mark_area(color=BLUE, opacity=0.13, interpolate="step").encode(
        y=value_y("threshold", title, ".2~f", zero=True), y2=alt.Y2Datum(0)
    )
    edge = base.mark_line(strokeDash=[5, 4], color=VERMILION, interpolate="step", size=1.5).encode(y="threshold:Q")
    line = base.mark_line(color=GREY, size=1.5).encode(y="value:Q")
    points = base.mark_point(filled=True, size=70, opacity=1).encode(
        y="value:Q", color=coloured("state", STATES), shape=shaped("state", _DRAWN)
    )
    layers = [_marked(rows, selected), band, edge, *_folklore(scores), line, points]
    name = scores[-1].feature if scores else "a feature"
    text = f"{title} of {name} in {len(rows)} windows, with the threshold learned for each window's rows."
    made: alt.LayerChart = described(alt.layer(*layers), text, 300)
    return made


def distributions(rows: Sequence[dict[str, Any]], feature: str, numeric: bool) -> alt.Chart:
    """Reference and current shares of one feature, overlaid.

    Args:
        rows: dicts with `bin` (label), `order` (position), `window` ("reference" or "current"), `share` (0..1), `n`.
        feature: its name, for the title.
        numeric: bins have an order (numbers) or are drawn by share (categories).
    """
    axis = alt.Axis(labelAngle=-40 if numeric or len(rows) > 12 else 0, labelLimit=90, labelOverlap=True)
    bars = (
        chart(rows)
        .mark_bar(opacity=0.85)
        .encode(
            x=alt.X("bin:N", title=None, sort=alt.EncodingSortField("order"), axis=axis),
            xOffset=alt.XOffset("window:N", sort=["reference", "current"]),
            y=value_y("share", "share of rows", ".0%", zero=True),
            color=coloured("window", {"reference": REFERENCE, "current": CURRENT}, legend=True),
            tooltip=[
                "window:N",
                alt.Tooltip("bin:N", title=feature),
                alt.Tooltip("share:Q", format=".2%"),
                alt.Tooltip("n:Q", format=","),
            ],
        )
    )
    text = f"Shares of {feature} in the reference and the current window, in {len(rows) // 2} bins."
    made: alt.Chart = described(bars, text, 300)
    return made


def cohort_drift(scores: Sequence[DriftScore]) -> alt.LayerChart:
    """One feature in one window, a bar for each group: drift over the group's own threshold (1 is the dashed line).

    Args:
        scores: one feature, one window, the values of one cohort.
    """
    rows = [cell(s) | {"who": _who(s)} for s in sorted(scores, key=lambda s: -(s.value or 0) / (s.threshold or 1))]
    order = [row["who"] for row in rows]
    y = alt.Y("who:N", title=None, sort=order, axis=alt.Axis(labelLimit=260, ticks=False, domain=False))
    base = chart(rows).encode(y=y, tooltip=TOOLTIP)
    x = alt.X("ratio:Q", title="drift ÷ learned threshold", scale=alt.Scale(zero=True), axis=alt.Axis(tickCount=6))
    bars = base.mark_bar(opacity=0.75, height=12).encode(x=x, color=coloured("state", STATES))
    points = base.mark_point(filled=True, size=70, opacity=1).encode(
        x="ratio:Q", color=coloured("state", STATES), shape=shaped("state", _DRAWN)
    )
    limit = chart([{"one": 1}]).mark_rule(strokeDash=[5, 4], color=VERMILION, size=1.5).encode(x="one:Q")
    loud = [str(s.cohort_value) for s in scores if s.state in LOUD]
    text = f"Drift in {len(rows)} groups; over their threshold: {', '.join(loud) or 'none'}."
    made: alt.LayerChart = described(alt.layer(bars, limit, points), text, 22 * max(2, len(rows)) + 80)
    return made


def quadrant(scores: Sequence[DriftScore], importance: Mapping[str, float], selected: str | None = None) -> alt.Chart:
    """Importance against drift of every feature in one window: what matters is up and to the right.

    Args:
        scores: one window, one cohort value.
        importance: feature → share of the champion's mean |SHAP|.
        selected: the feature whose name is always written.
    """
    rows = [cell(s) | {"importance": weight(s, importance)} for s in scores if s.value is not None and not s.is_answer]
    fair = 1 / max(1, len(rows))
    said = _named(rows, fair, selected)
    for row in rows:
        row["name"] = row["feature"] if row["feature"] in said else ""
    far = max((row["ratio"] for row in rows), default=0.0) * 0.7
    tooltip = [*TOOLTIP[:4], alt.Tooltip("importance:Q", format=".1%"), *TOOLTIP[4:]]
    base = chart(rows).encode(
        x=alt.X(
            "ratio:Q",
            title="drift ÷ learned threshold",
            scale=alt.Scale(zero=True, nice=True),
            axis=alt.Axis(tickCount=8),
        ),
        y=value_y("importance", "share of mean |SHAP|", ".0%", zero=True),
        tooltip=tooltip,
    )
    points = base.mark_point(filled=True, size=90, opacity=0.95).encode(
        color=coloured("state", STATES), shape=shaped("state", _DRAWN)
    )
    style: dict[str, Any] = {"size": 12, "color": GREY, "fontWeight": 500}
    # Names stay inside the chart.
    left = base.transform_filter(alt.datum.ratio <= far).mark_text(align="left", dx=8, **style)
    right = base.transform_filter(alt.datum.ratio > far).mark_text(align="right", dx=-8, **style)
    rule: dict[str, Any] = {"strokeDash": [5, 4], "size": 1.5}
    drifted = chart([{"x": 1}]).mark_rule(color=VERMILION, **rule).encode(x="x:Q")
    matters = chart([{"y": fair}]).mark_rule(color=GREY, **rule).encode(y="y:Q")
    both = [row["feature"] for row in rows if row["ratio"] > 1 and row["importance"] > fair]
    text = f"Importance and drift of {len(rows)} features; drifted and important: {', '.join(both) or 'none'}."
    made: alt.Chart = described(
        alt.layer(drifted, matters, points, left.encode(text="name:N"), right.encode(text="name:N")), text, 350
    )
    return made


def separating(features: Sequence[tuple[str, float]]) -> alt.Chart:
    """By which features a classifier tells the window from the reference: shares of its gain, largest on top."""
    rows: list[dict[str, Any]] = [
        {"feature": name, "share": share} for name, share in sorted(features, key=lambda f: -f[1])
    ]
    order = [row["feature"] for row in rows]
    bars = (
        chart(rows)
        .mark_bar(color=BLUE, opacity=0.85, height=13)
        .encode(
            y=alt.Y("feature:N", title=None, sort=order, axis=alt.Axis(labelLimit=220, ticks=False, domain=False)),
            x=alt.X("share:Q", title="share of what separates the windows", axis=alt.Axis(format=".0%", tickCount=5)),
            tooltip=["feature:N", alt.Tooltip("share:Q", format=".1%")],
        )
    )
    named = ", ".join(order[:3])
    made: alt.Chart = described(
        bars, f"Features that separate the windows, first {named}.", 22 * max(3, len(rows)) + 40
    )
    return made


def _named(rows: Sequence[dict[str, Any]], fair: float, selected: str | None) -> set[str]:
    """Features whose names are written: the chosen one, the important ones, and of the others those that drifted most."""
    drifted = sorted((row for row in rows if row["ratio"] > 1), key=lambda row: -row["ratio"])
    important = {row["feature"] for row in rows if row["importance"] > fair}
    return important | {row["feature"] for row in drifted[:4]} | {str(selected)}


def _who(score: DriftScore) -> str:
    return f"{score.cohort_value} · n {score.n_current:,}"


def _folklore(scores: Sequence[DriftScore]) -> list[alt.Chart]:
    value = scores[-1].folklore if scores else None
    return [] if value is None else [dashed(value, "folklore value, shown for orientation only", GREY)]


def _marked(rows: Sequence[dict[str, Any]], selected: str | None) -> alt.Chart:
    """The chosen window as a pale ground."""
    here = [row for row in rows if selected and row["window"][:10] == selected]
    made: alt.Chart = chart(here).mark_rect(color=GREY, opacity=0.22).encode(x=time_x("start"), x2="end:T")
    return made
