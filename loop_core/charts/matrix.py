"""Cohorts × metrics: where the model does well and where it does not, in one table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import altair as alt

from loop_core.charts.palette import BLUE, GREY, VERMILION, chart, day, described, within
from loop_core.charts.performance import short
from loop_core.figures import numbers_apart
from loop_core.monitor.measure import UP_IS_GOOD
from loop_core.vocabulary import MARKS, State

if TYPE_CHECKING:
    from loop_core.monitor import PerformancePoint

ROW = 26


def cohort_matrix(points: Sequence[PerformancePoint], overall: Sequence[PerformancePoint]) -> alt.LayerChart:
    """Cohort value × metric, the group that fares worst on top; colour says how far from everybody, a mark that it is sure.

    ▲ the interval lies wholly on the bad side of everybody's value, ● wholly on the good side, ○ too few rows. Small
    groups show the value drawn towards everybody's, in grey.

    Args:
        points: one window, the values of one cohort (or pair of cohorts), any metrics.
        overall: the same window, everybody, the same metrics.
    """
    usual = {p.metric: p for p in overall}
    rows = [_cell(p, usual.get(p.metric)) for p in points]
    order = by_harm(points, overall)
    metrics = list(dict.fromkeys(row["metric"] for row in rows))
    base = chart(rows).encode(
        x=alt.X("metric:N", title=None, sort=metrics, axis=alt.Axis(orient="top", labelAngle=0, ticks=False, domain=False)),
        y=alt.Y("who:N", title=None, sort=order, axis=alt.Axis(labelLimit=260, ticks=False, domain=False)),
        tooltip=_TOOLTIP,
    )  # fmt: skip
    scale = alt.Scale(domain=[-1, 0, 1], range=[VERMILION, "#8A939E", BLUE], clamp=True)
    cells = base.mark_rect(stroke=GREY, strokeOpacity=0.3, cornerRadius=2).encode(
        color=alt.Color("good:Q", legend=None, scale=scale), fillOpacity=alt.FillOpacity("strength:Q", scale=None)
    )
    sure, grey = alt.datum.small == 0, alt.datum.small == 1
    text = base.mark_text(size=13, fontWeight=600).encode(text="shown:N")
    layers = [
        cells,
        text.transform_filter(sure),
        text.transform_filter(grey).encode(color=alt.value(GREY)),
    ]
    worst = order[0].split(" · ")[0] if order else "nobody"
    said = f"{len(order)} groups by {len(metrics)} metrics; {worst} fares worst."
    made: alt.LayerChart = described(alt.layer(*layers), said, ROW * max(2, len(order)) + 60)
    return made


def by_harm(points: Sequence[PerformancePoint], overall: Sequence[PerformancePoint]) -> list[str]:
    """Groups as they are named in the matrix, from the one that fares worst by the first metric to the best."""
    usual = {p.metric: p for p in overall}
    first = overall[0].metric if overall else points[0].metric if points else ""
    placed = {group_of(p): 2.0 for p in points}
    for p in points:
        if p.metric == first:
            placed[group_of(p)] = _good(p, usual.get(first)) if _value(p) is not None else 1.5
    return sorted(placed, key=lambda who: (placed[who], who))


_TOOLTIP = [
    alt.Tooltip("who:N", title="group"),
    alt.Tooltip("metric:N"),
    alt.Tooltip("raw:Q", title="as measured", format=".4f"),
    alt.Tooltip("shrunk:Q", title="drawn towards everybody", format=".4f"),
    *within(".4f", "low", "high"),
    alt.Tooltip("everybody:Q", format=".4f"),
    alt.Tooltip("n:Q", format=","),
    alt.Tooltip("compared:N", title="against everybody"),
    alt.Tooltip("state:N", title="against its own past"),
    alt.Tooltip("model:N"),
    alt.Tooltip("span:N", title="window"),
]


def _cell(point: PerformancePoint, usual: PerformancePoint | None) -> dict[str, Any]:
    low, high = _interval(point)
    mark, words = _against(point, usual)
    value = _value(point)
    good = _good(point, usual)
    return {
        "who": group_of(point),
        "metric": point.metric.replace("_", " "),
        "raw": point.value,
        "shrunk": point.shrunk,
        "low": low,
        "high": high,
        "everybody": usual.value if usual else None,
        "n": point.n,
        "good": max(-1.0, min(1.0, good)),
        "strength": 0.05 if point.small or value is None else 0.05 + 0.4 * min(1.0, abs(good)),
        "small": int(point.small or value is None),
        "shown": f"{mark} {numbers_apart(value)[0]}" if value is not None else mark,
        "compared": words,
        "state": MARKS.get(point.state, point.state.value),
        "model": short(point.model_version),
        "span": f"{day(point.window_start)} – {day(point.window_end)}",
    }


def group_of(point: PerformancePoint) -> str:
    """A group as the matrix names it."""
    return f"{point.cohort_value} · n {point.n:,}"


def _value(point: PerformancePoint) -> float | None:
    return point.shrunk if point.shrunk is not None else point.value


def _interval(point: PerformancePoint) -> tuple[float | None, float | None]:
    if point.shrunk_ci_low is not None:
        return point.shrunk_ci_low, point.shrunk_ci_high
    return point.ci_low, point.ci_high


def _good(point: PerformancePoint, usual: PerformancePoint | None) -> float:
    """How much better than everybody, −1..1: 1 is 30 % of everybody's value, of AUC and accuracy 0.15."""
    value = _value(point)
    if value is None or usual is None or usual.value is None:
        return 0.0
    if point.metric in UP_IS_GOOD:
        return (value - usual.value) / 0.15
    return (usual.value - value) / (0.3 * abs(usual.value) + 1e-12)


def _against(point: PerformancePoint, usual: PerformancePoint | None) -> tuple[str, str]:
    low, high = _interval(point)
    if point.state is State.PENDING:
        return "○", "○ labels still arriving"
    if low is None or high is None:
        return "○", "○ too few rows"
    if usual is None or usual.value is None or low <= usual.value <= high:
        return "", "no difference beyond chance"
    better = (low > usual.value) == (point.metric in UP_IS_GOOD)
    return ("●", "● better") if better else ("▲", "▲ worse")
