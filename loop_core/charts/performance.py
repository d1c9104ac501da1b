"""Performance by window with its intervals, and the count of drifted features beneath it on the same axis."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import altair as alt

from loop_core.charts.palette import AMBER, GREY, VERMILION, VERSIONS, chart, day, described, time_x, value_y
from loop_core.vocabulary import MARKS, State

if TYPE_CHECKING:
    from loop_core.monitor import DriftScore, PerformancePoint

Span = tuple[datetime, datetime]

_HASH = re.compile(r"^([0-9a-f]{10})[0-9a-f]{2,}$")
#: With more windows than this, intervals are drawn as a band only.
MANY = 30


def performance_chart(points: Sequence[PerformancePoint], span: Span | None = None) -> alt.LayerChart:
    """One metric by window: value, 95 % interval and model version; windows whose labels are still missing are shaded.

    Args:
        points: one metric, one cohort value, in time order.
        span: the shared time axis; None: that of the points.
    """
    span = span or span_of(points)
    rows = [_point(p) for p in points]
    known = [row for row in rows if row["value"] is not None]
    base = chart(known).encode(x=time_x("middle", span), color=_versions(known), tooltip=_TOOLTIP)
    band = base.mark_area(opacity=0.22, line=False).encode(
        y=value_y("ci_low", points[0].metric.replace("_", " "), ".3~f"), y2="ci_high:Q"
    )
    bars = base.mark_rule(size=2, opacity=0.55).encode(y="ci_low:Q", y2="ci_high:Q")
    line = base.mark_line(size=2).encode(y="value:Q")
    dots = base.mark_point(filled=True, size=60 if len(rows) <= MANY else 25, opacity=1).encode(y="value:Q")
    text = f"{points[0].metric} in {len(rows)} windows, {len(rows) - len(known)} still without enough labels."
    made: alt.LayerChart = described(
        alt.layer(pending_shade(rows, span), band, *([bars] if len(rows) <= MANY else []), line, dots), text, 300
    )
    return made


def drift_strip(scores: Sequence[DriftScore], span: Span) -> alt.Chart:
    """How many features drifted in each window, to stand beneath a performance chart with the same `span`."""
    rows = _stacked(
        Counter((s.window_start, s.window_end, s.state) for s in scores if s.state in (State.WATCH, State.ALARM))
    )
    bars = (
        chart(rows)
        .mark_rect(opacity=0.9)
        .encode(
            x=time_x("start", span),
            x2="end:T",
            y=value_y("top", "drifted", zero=True),
            y2="base:Q",
            color=alt.Color(
                "state:N", legend=None, scale=alt.Scale(domain=["watch", "alarm"], range=[AMBER, VERMILION])
            ),
            tooltip=[alt.Tooltip("span:N", title="window"), "word:N", alt.Tooltip("features:Q", title="features")],
        )
    )
    made: alt.Chart = described(bars, f"Number of drifted features by window; {len(rows)} windows with drift.", 110)
    return made


def _stacked(counts: Counter[tuple[datetime, datetime, State]]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for (start, end, state), features in sorted(
        counts.items(), key=lambda item: (item[0][0], item[0][2] is State.WATCH)
    ):
        base = sum(row["features"] for row in rows if row["start"] == start)
        span = f"{day(start)} – {day(end)}"
        rows.append(
            {
                "start": start,
                "end": end,
                "state": state,
                "word": MARKS[state],
                "features": features,
                "base": base,
                "top": base + features,
                "span": span,
            }
        )
    return rows


def span_of(points: Sequence[Any]) -> Span:
    """First start and last end of results that have a window."""
    return min(p.window_start for p in points), max(p.window_end for p in points)


def pending_shade(rows: Sequence[dict[str, Any]], span: Span) -> alt.LayerChart:
    """Windows that are not yet judged: grey ground, dashed edge, and the words."""
    pending = chart([row for row in rows if row["value"] is None])
    shade = pending.mark_rect(color=GREY, opacity=0.16).encode(x=time_x("start", span), x2="end:T", tooltip=_TOOLTIP)
    edges = pending.mark_rule(color=GREY, strokeDash=[2, 3], opacity=0.8).encode(x=time_x("start", span))
    # Said once, at the right end, where the pending windows usually are; not where it would run into the lines.
    waiting = [row["end"] - row["start"] for row in rows if row["value"] is None]
    wide = sum(waiting, timedelta()) > 0.15 * (span[1] - span[0])
    last = [row["end"] for row in rows if row["value"] is None][-1:] if wide else []
    said = chart([{"end": end} for end in last])
    words = said.mark_text(text="○ labels still arriving", color=GREY, size=12, align="right", dx=-6).encode(
        x=time_x("end", span), y=alt.value(14)
    )
    made: Any = alt.layer(shade, edges, words)
    shaded: alt.LayerChart = made
    return shaded


def _versions(rows: Sequence[dict[str, Any]]) -> alt.Color:
    names = list(dict.fromkeys(row["model"] for row in rows))
    legend = alt.Legend(orient="top", title="model", labelLimit=160, symbolOpacity=1) if len(names) > 1 else None
    return alt.Color(
        "model:N",
        scale=alt.Scale(domain=names, range=[VERSIONS[i % len(VERSIONS)] for i in range(len(names))]),
        legend=legend,
    )


_TOOLTIP = [
    alt.Tooltip("span:N", title="window"),
    alt.Tooltip("model:N"),
    alt.Tooltip("value:Q", format=".4f"),
    alt.Tooltip("ci_low:Q", title="95 % from", format=".4f"),
    alt.Tooltip("ci_high:Q", title="to", format=".4f"),
    alt.Tooltip("n:Q", format=","),
    alt.Tooltip("mature_share:Q", title="labels complete", format=".0%"),
    alt.Tooltip("word:N", title="state"),
]


def _point(point: PerformancePoint) -> dict[str, Any]:
    return {
        "start": point.window_start,
        "end": point.window_end,
        "middle": point.window_start + (point.window_end - point.window_start) / 2,
        "span": f"{day(point.window_start)} – {day(point.window_end)}",
        "model": short(point.model_version),
        "value": point.value,
        "ci_low": point.ci_low,
        "ci_high": point.ci_high,
        "n": point.n,
        "mature_share": point.mature_share,
        "word": MARKS.get(point.state, point.state.value),
    }


def short(version: str | None) -> str:
    """A model version as it is shown: of a content hash the first ten digits, a given name as it is."""
    return " + ".join(_HASH.sub(r"\1", name) for name in version.split(" + ")) if version else "–"
