"""Performance by window: realised and estimated on one axis, what still waits for labels, the trend, the releases."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import altair as alt

from loop_core.charts.palette import BLUE, GREY, HATCH, SHAPES, STATES, chart, day, described, time_x, value_y, within
from loop_core.vocabulary import MARKS, State

if TYPE_CHECKING:
    from loop_core.monitor import PerformancePoint
    from loop_core.monitor.estimate.point import EstimatedPoint

Span = tuple[datetime, datetime]

_HASH = re.compile(r"^([0-9a-f]{10})[0-9a-f]{2,}$")
#: With more windows than this, intervals are drawn as a band only.
MANY = 30
ESTIMATE, TREND = "#B65F9B", "#0E9C77"
#: Line → its colour.
LINES = {"realised": BLUE, "estimated": ESTIMATE, "trend": TREND}


@dataclass(frozen=True)
class Beside:
    """What is drawn on the same axis as the realised metric."""

    estimated: Sequence[EstimatedPoint] = ()
    """The same metric, estimated."""
    trend: Sequence[PerformancePoint] = ()
    """The same metric in longer, rolling windows."""
    releases: Sequence[tuple[datetime, str]] = ()
    """(instant, version) of each release."""
    selected: str | None = None
    """First day (ISO text) of the window that is marked."""


def performance_chart(
    points: Sequence[PerformancePoint], span: Span | None = None, beside: Beside | None = None
) -> alt.LayerChart:
    """One metric by window with its 95 % interval; hatched windows still wait for labels, filled up as far as these are.

    The selection is called `point` and gives `window` (the start, ISO text).

    Args:
        points: one metric, one cohort value, in time order.
        span: the shared time axis; None: that of the points.
        beside: what else stands on the axis.
    """
    beside = beside or Beside()
    span = span or span_of([*points, *beside.estimated])
    rows = [_point(p) for p in points]
    over = [
        *_releases(beside.releases, span),
        *_estimated(beside.estimated, span),
        *_trend(beside.trend, span),
        *_realised(rows, span, _title(points, beside)),
    ]
    under = [*_chosen(rows, beside.selected, span), *_waiting(rows, span)]
    made: alt.LayerChart = described(
        alt.layer(*_on_own_axis(under), alt.layer(*over)).resolve_scale(y="independent"), _text(rows, beside), 270
    )
    return made


def span_of(points: Sequence[Any]) -> Span:
    """First start and last end of results that have a window."""
    return min(p.window_start for p in points), max(p.window_end for p in points)


def short(version: str | None) -> str:
    """A model version as it is shown: of a content hash the first ten digits, a given name as it is."""
    return " + ".join(_HASH.sub(r"\1", name) for name in version.split(" + ")) if version else "–"


def _title(points: Sequence[PerformancePoint], beside: Beside) -> str:
    first: Any = next(iter([*points, *beside.estimated]), None)
    return str(first.metric).replace("_", " ") if first else "metric"


def _realised(rows: Sequence[dict[str, Any]], span: Span, title: str) -> list[alt.Chart]:
    known = [row for row in rows if row["value"] is not None]
    base = chart(known).encode(x=time_x("middle", span), tooltip=_TOOLTIP)
    band = base.mark_area(opacity=0.2, line=False).encode(
        y=value_y("ci_low", title, ".3~f"), y2="ci_high:Q", color=_line_colour()
    )
    bars = base.mark_rule(size=2, opacity=0.5).encode(y="ci_low:Q", y2="ci_high:Q", color=_line_colour())
    line = base.mark_line(size=2.5).encode(y="value:Q", color=_line_colour())
    size = 75 if len(rows) <= MANY else 42
    dots = (
        base.mark_point(filled=True, size=size, opacity=1, cursor="pointer")
        .encode(y="value:Q", color=_line_colour())
        .add_params(alt.selection_point(name="point", fields=["window"]))
    )
    loud = [_loud(known, state, span, 2 * size) for state in (State.WATCH, State.ALARM)]
    return [band, *([bars] if len(rows) <= MANY else []), line, dots, *(layer for layer in loud if layer)]


def _loud(rows: Sequence[dict[str, Any]], state: State, span: Span, size: int) -> alt.Chart | None:
    """Windows worse than usual, with the shape and colour of their state."""
    here = [row for row in rows if row["state"] == state]
    if not here:
        return None
    marks = chart(here).mark_point(
        filled=True, size=size, opacity=1, shape=SHAPES[state], color=STATES[state], stroke="white", strokeWidth=0.8
    )
    made: alt.Chart = marks.encode(x=time_x("middle", span), y="value:Q", tooltip=_TOOLTIP)
    return made


def _estimated(points: Sequence[EstimatedPoint], span: Span) -> list[alt.Chart]:
    rows = [_estimate(p) for p in points if p.value is not None]
    if not rows:
        return []
    base = chart(rows).encode(x=time_x("middle", span), tooltip=_ESTIMATE_TOOLTIP)
    band = base.mark_area(opacity=0.13).encode(y="ci_low:Q", y2="ci_high:Q", color=_line_colour())
    line = base.mark_line(size=2, strokeDash=[6, 3]).encode(y="value:Q", color=_line_colour())
    # Hollow: nobody has seen these labels yet.
    dots = base.mark_point(filled=False, size=40, opacity=1, strokeWidth=1.6).encode(y="value:Q", color=_line_colour())
    return [band, line, dots, *_limits(rows, span)]


def _limits(rows: Sequence[dict[str, Any]], span: Span) -> list[alt.Chart]:
    base = chart([row for row in rows if row["threshold_low"] is not None]).encode(x=time_x("middle", span))
    source = alt.Tooltip("limits:N", title="Limit of the estimate")
    style: dict[str, Any] = {"strokeDash": [2, 4], "color": GREY, "size": 1.2}
    return [
        base.mark_line(**style).encode(y=f"{end}:Q", tooltip=[source, alt.Tooltip(f"{end}:Q", format=".4f")])
        for end in ("threshold_low", "threshold_high")
    ]


def _trend(points: Sequence[PerformancePoint], span: Span) -> list[alt.Chart]:
    rows = [_point(p) | {"line": "trend"} for p in points if p.value is not None]
    if not rows:
        return []
    # A trend stands where its last window ends: it knows nothing later.
    base = chart(rows).encode(x=time_x("end", span), tooltip=_TOOLTIP)
    return [base.mark_line(size=3.5, opacity=0.75).encode(y="value:Q", color=_line_colour())]


def _releases(releases: Sequence[tuple[datetime, str]], span: Span) -> list[alt.Chart]:
    inside = [
        {"when": when, "day": day(when), "version": short(version)}
        for when, version in releases
        if span[0] <= when <= span[1]
    ]
    if not inside:
        return []
    tooltip = [alt.Tooltip("version:N", title="released"), alt.Tooltip("day:N", title="on")]
    base = chart(inside).encode(x=time_x("when", span), tooltip=tooltip)
    rules = base.mark_rule(color=GREY, size=1.5, opacity=0.9)
    flags = base.mark_point(shape="triangle-right", filled=True, size=70, color=GREY, opacity=1, xOffset=4).encode(
        y=alt.value(6)
    )
    return [rules, flags]


def _waiting(rows: Sequence[dict[str, Any]], span: Span) -> list[alt.Chart]:
    """Hatched to the top; solid from below as far as the labels are complete; the share in words where it fits."""
    waits = [row | {"zero": 0, "one": 1} for row in rows if row["state"] == State.PENDING]
    base = chart(waits).encode(x=time_x("start", span), x2="end:T", tooltip=_WAITING_TOOLTIP)
    hollow = base.mark_rect(color=HATCH, opacity=0.55, stroke=GREY, strokeWidth=1, strokeDash=[2, 2]).encode(
        y=_share_y("zero"), y2="one:Q"
    )
    filled = base.mark_rect(color=GREY, opacity=0.3).encode(y=_share_y("zero"), y2="mature_share:Q")
    wide = len(rows) <= MANY
    said = chart(waits if wide else []).encode(x=time_x("middle", span), y=_share_y("zero"))
    words = said.mark_text(color=GREY, size=11, fontWeight=600, dy=-8, baseline="bottom").encode(
        text=alt.Text("mature_share:Q", format=".0%")
    )
    few = chart([row for row in rows if row["state"] == State.TOO_FEW]).encode(x=time_x("middle", span))
    marks = few.mark_point(filled=False, size=30, color=GREY).encode(y=alt.value(262), tooltip=_WAITING_TOOLTIP)
    return [hollow, filled, words, marks]


def _chosen(rows: Sequence[dict[str, Any]], selected: str | None, span: Span) -> list[alt.Chart]:
    here = [row | {"zero": 0, "one": 1} for row in rows if selected and row["window"][:10] == selected]
    ground = chart(here).mark_rect(color=BLUE, opacity=0.14)
    return [ground.encode(x=time_x("start", span), x2="end:T", y=_share_y("zero"), y2="one:Q")] if here else []


def _on_own_axis(layers: Sequence[alt.Chart]) -> list[Any]:
    """Layers whose y is a share of the height, and so no value of the metric."""
    return [alt.layer(*layers)] if layers else []


def _share_y(field: str) -> alt.Y:
    return alt.Y(f"{field}:Q", scale=alt.Scale(domain=[0, 1], nice=False), axis=None)


def _line_colour() -> alt.Color:
    legend = alt.Legend(orient="top", title=None, symbolOpacity=1, symbolType="stroke", symbolStrokeWidth=3)
    scale = alt.Scale(domain=list(LINES), range=list(LINES.values()))
    return alt.Color("line:N", scale=scale, legend=legend)


_TOOLTIP = [
    alt.Tooltip("line:N", title=" "),
    alt.Tooltip("span:N", title="window"),
    alt.Tooltip("days:Q", title="days"),
    alt.Tooltip("model:N"),
    alt.Tooltip("value:Q", format=".4f"),
    *within(".4f"),
    alt.Tooltip("n:Q", format=","),
    alt.Tooltip("mature_share:Q", title="labels complete", format=".0%"),
    alt.Tooltip("word:N", title="state"),
]
_WAITING_TOOLTIP = [
    alt.Tooltip("span:N", title="window"),
    alt.Tooltip("mature_share:Q", title="labels complete", format=".0%"),
    alt.Tooltip("n:Q", title="labelled so far", format=","),
    alt.Tooltip("word:N", title="state"),
]
_ESTIMATE_TOOLTIP = [
    alt.Tooltip("line:N", title=" "),
    alt.Tooltip("span:N", title="window"),
    alt.Tooltip("model:N"),
    alt.Tooltip("value:Q", format=".4f"),
    *within(".4f"),
    alt.Tooltip("threshold_low:Q", title="limits from", format=".4f"),
    alt.Tooltip("threshold_high:Q", title="to", format=".4f"),
    alt.Tooltip("n:Q", format=","),
    alt.Tooltip("word:N", title="state"),
    alt.Tooltip("note:N"),
]


def _point(point: PerformancePoint) -> dict[str, Any]:
    return _window(point, "realised") | {
        "days": point.length_days,
        "mature_share": point.mature_share,
    }


def _estimate(point: EstimatedPoint) -> dict[str, Any]:
    return _window(point, "estimated") | {
        "threshold_low": point.threshold_low,
        "threshold_high": point.threshold_high,
        "limits": "three standard deviations around the mean of the reference's own windows",
        "note": point.note,
    }


def _window(point: Any, line: str) -> dict[str, Any]:
    return {
        "line": line,
        "window": point.window_start.isoformat(),
        "start": point.window_start,
        "end": point.window_end,
        "middle": point.window_start + (point.window_end - point.window_start) / 2,
        "span": f"{day(point.window_start)} – {day(point.window_end)}",
        "model": short(point.model_version),
        "value": point.value,
        "ci_low": point.ci_low,
        "ci_high": point.ci_high,
        "n": point.n,
        "state": point.state.value,
        "word": MARKS.get(point.state, point.state.value),
    }


def _text(rows: Sequence[dict[str, Any]], beside: Beside) -> str:
    waits = sum(row["state"] == State.PENDING for row in rows)
    loud = sum(row["state"] in (State.WATCH, State.ALARM) for row in rows)
    more = f", {len(beside.estimated)} of them estimated" if beside.estimated else ""
    name = beside.estimated[0].metric if beside.estimated and not rows else "Performance"
    return f"{name} in {len(rows)} windows{more}: {loud} worse than usual, {waits} still without enough labels."
