"""Narrow charts that stand above or beneath another one on the same time axis: drift, ratings, latency, errors."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import altair as alt

from loop_core.charts.palette import (
    AMBER,
    BLUE,
    GREY,
    VERMILION,
    chart,
    dashed,
    day,
    described,
    time_x,
    value_y,
    within,
)
from loop_core.charts.performance import Span
from loop_core.vocabulary import MARKS, State

if TYPE_CHECKING:
    from loop_core.monitor import DriftScore, HealthPoint

HEIGHT = 84


def drift_strip(scores: Sequence[DriftScore], span: Span, labels: bool = True) -> alt.LayerChart:
    """How many features drifted in each window, to stand above a performance chart with the same `span`.

    Args:
        scores: one cohort value, one method.
        span: the shared time axis.
        labels: dates on the axis; a chart beneath may carry them.
    """
    found: Counter[tuple[datetime, datetime, State]] = Counter(
        (s.window_start, s.window_end, s.state) for s in scores if s.state in (State.WATCH, State.ALARM)
    )
    base = chart(_stacked(found)).encode(
        tooltip=[
            alt.Tooltip("span:N", title="window"),
            alt.Tooltip("word:N", title="state"),
            alt.Tooltip("features:Q", title="features"),
        ]
    )
    colours = alt.Scale(domain=["watch", "alarm"], range=[AMBER, VERMILION])
    bars = base.mark_rect(opacity=0.9).encode(
        x=time_x("start", span, labels),
        x2="end:T",
        y=value_y("top", "drifted", zero=True),
        y2="base:Q",
        color=alt.Color("state:N", legend=None, scale=colours),
    )
    shapes = alt.Shape(
        "state:N", legend=None, scale=alt.Scale(domain=["watch", "alarm"], range=["diamond", "triangle-up"])
    )
    marks = base.mark_point(filled=True, size=26, color="white", opacity=0.95).encode(
        x=time_x("middle", span, labels), y="place:Q", shape=shapes
    )
    windows = len({start for start, _, _ in found})
    text = f"Number of drifted features by window; {windows} windows with drift."
    made: alt.LayerChart = described(alt.layer(bars, marks), text, HEIGHT)
    return made


def rating_strip(points: Sequence[HealthPoint], span: Span, labels: bool = True) -> alt.LayerChart:
    """Mean rating of each window's answers with its 95 % interval."""
    rows = [
        _window(p) | {"value": p.rating_mean, "low": p.rating_ci_low, "high": p.rating_ci_high, "n": p.n_ratings}
        for p in points
        if p.rating_mean is not None
    ]
    base = chart(rows).encode(x=time_x("middle", span, labels), tooltip=_interval_tooltip("mean rating", ".2f"))
    band = base.mark_area(color=BLUE, opacity=0.2).encode(y=value_y("low", "rating", ".1f"), y2="high:Q")
    line = base.mark_line(color=BLUE, size=2).encode(y="value:Q")
    made: alt.LayerChart = described(alt.layer(band, line), f"Mean rating in {len(rows)} windows.", HEIGHT)
    return made


def latency_strip(
    points: Sequence[HealthPoint], span: Span, budget_ms: float | None = None, labels: bool = True
) -> alt.LayerChart:
    """Latency of each window: the median, and up to the 95th and 99th percentile; the budget is dashed."""
    rows = [
        _window(p) | {"p50": p.latency_p50_ms, "p95": p.latency_p95_ms, "p99": p.latency_p99_ms, "n": p.n}
        for p in points
        if p.latency_p95_ms is not None
    ]
    tooltip = [
        alt.Tooltip("span:N", title="window"),
        *(alt.Tooltip(f"{name}:Q", title=f"{name} ms", format=".0f") for name in ("p50", "p95", "p99")),
        alt.Tooltip("n:Q", format=","),
    ]
    base = chart(rows).encode(x=time_x("middle", span, labels), tooltip=tooltip)
    wide = base.mark_area(color=BLUE, opacity=0.1).encode(y=value_y("p50", "ms", "~s", zero=True), y2="p99:Q")
    area = base.mark_area(color=BLUE, opacity=0.2).encode(y="p50:Q", y2="p95:Q")
    median = base.mark_line(color=GREY, size=2).encode(y="p50:Q")
    high = base.mark_line(color=BLUE, size=2).encode(y="p95:Q")
    limit = [dashed(budget_ms, "latency_p95_ms of the charter")] if budget_ms else []
    text = f"Median, 95th and 99th percentile of latency in {len(rows)} windows."
    made: alt.LayerChart = described(alt.layer(wide, area, median, high, *limit), text, HEIGHT)
    return made


def error_strip(points: Sequence[HealthPoint], span: Span, allowed: float | None = None) -> alt.LayerChart:
    """Share of failed answers in each window with its 95 % interval; what the charter allows is dashed."""
    rows = [
        _window(p) | {"value": p.error_share, "low": p.error_ci_low, "high": p.error_ci_high, "n": p.n}
        for p in points
        if p.error_share is not None
    ]
    base = chart(rows).encode(x=time_x("middle", span), tooltip=_interval_tooltip("failed", ".2%"))
    band = base.mark_area(color=VERMILION, opacity=0.18).encode(
        y=value_y("low", "errors", ".1%", zero=True), y2="high:Q"
    )
    line = base.mark_line(color=VERMILION, size=2).encode(y="value:Q")
    limit = [dashed(allowed, "max_error_share of the charter")] if allowed is not None else []
    text = f"Share of failed answers in {len(rows)} windows."
    made: alt.LayerChart = described(alt.layer(band, line, *limit), text, HEIGHT)
    return made


def confidence_strip(points: Sequence[HealthPoint], span: Span, labels: bool = True) -> alt.LayerChart:
    """Where the scores of each window lie: the median, and from a tenth to nine tenths of them; on hover also how unsure
    they are on average."""
    rows = [
        _window(p) | {"low": p.score_p10, "value": p.score_p50, "high": p.score_p90, "bits": p.uncertainty, "n": p.n}
        for p in points
        if p.score_p50 is not None
    ]
    chances = any(row["bits"] is not None for row in rows)
    tooltip = [
        alt.Tooltip("span:N", title="window"),
        alt.Tooltip("low:Q", title="a tenth is under", format=".3f"),
        alt.Tooltip("value:Q", title="median score", format=".3f"),
        alt.Tooltip("high:Q", title="a tenth is over", format=".3f"),
        *([alt.Tooltip("bits:Q", title="uncertainty, bits", format=".3f")] if chances else []),
        alt.Tooltip("n:Q", format=","),
    ]
    base = chart(rows).encode(x=time_x("middle", span, labels), tooltip=tooltip)
    band = base.mark_area(color=BLUE, opacity=0.2).encode(y=value_y("low", "score", ".2~f", zero=True), y2="high:Q")
    line = base.mark_line(color=BLUE, size=2).encode(y="value:Q")
    text = f"Median and outer tenths of the scores in {len(rows)} windows."
    made: alt.LayerChart = described(alt.layer(band, line), text, HEIGHT)
    return made


def _interval_tooltip(title: str, format: str) -> list[alt.Tooltip]:
    return [
        alt.Tooltip("span:N", title="window"),
        alt.Tooltip("value:Q", title=title, format=format),
        *within(format, "low", "high"),
        alt.Tooltip("n:Q", format=","),
    ]


def _window(point: Any) -> dict[str, Any]:
    return {
        "start": point.window_start,
        "middle": point.window_start + (point.window_end - point.window_start) / 2,
        "span": f"{day(point.window_start)} – {day(point.window_end)}",
    }


def _stacked(counts: Counter[tuple[datetime, datetime, State]]) -> list[dict[str, Any]]:
    """Alarms below, watches on them."""
    rows: list[dict[str, Any]] = []
    base: Counter[datetime] = Counter()
    for (start, end, state), features in sorted(counts.items(), key=lambda c: (c[0][0], c[0][2] is State.WATCH)):
        bottom = base[start]
        base[start] += features
        rows.append(
            {
                "start": start,
                "end": end,
                "middle": start + (end - start) / 2,
                "span": f"{day(start)} – {day(end)}",
                "state": state,
                "word": MARKS[state],
                "features": features,
                "base": bottom,
                "top": bottom + features,
                "place": bottom + features / 2,
            }
        )
    return rows
