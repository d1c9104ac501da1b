"""What users said and how much there was to say it of, by window: ratings, volume."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import altair as alt

from loop_core.charts.palette import BLUE, VERMILION, VERSIONS, chart, day, described, time_x, value_y, within

if TYPE_CHECKING:
    from loop_core.feedback import FeedbackPoint
    from loop_core.monitor import HealthPoint


def rating_trend(points: Sequence[FeedbackPoint]) -> alt.LayerChart:
    """Mean rating by window with its 95 % interval; one line a cohort value (at most six are told apart)."""
    rows = [_rating(p) for p in points]
    names = list(dict.fromkeys(row["group"] for row in rows))
    legend = alt.Legend(orient="top", title=None, labelLimit=160, symbolOpacity=1) if len(names) > 1 else None
    colour = alt.Color(
        "group:N",
        legend=legend,
        scale=alt.Scale(domain=names, range=[VERSIONS[i % len(VERSIONS)] for i in range(len(names))]),
    )
    base = chart(rows).encode(x=time_x("middle"), color=colour, tooltip=_RATING)
    band = base.mark_area(opacity=0.18).encode(y=value_y("low", "mean rating", ".1f"), y2="high:Q")
    line = base.mark_line(size=2).encode(y="rating:Q")
    dots = base.mark_point(filled=True, size=45 if len(rows) <= 40 else 18, opacity=1).encode(y="rating:Q")
    made: alt.LayerChart = described(alt.layer(band, line, dots), f"Mean rating in {len(rows)} windows.", 230)
    return made


def low_share(points: Sequence[FeedbackPoint]) -> alt.Chart:
    """Share of one- and two-star ratings by window."""
    bars = (
        chart([_rating(p) for p in points])
        .mark_rect(color=VERMILION, opacity=0.8, stroke="white", strokeOpacity=0.5)
        .encode(
            x=time_x("start"),
            x2="end:T",
            y=value_y("low_share", "low ratings", ".0%", zero=True),
            y2=alt.Y2Datum(0),
            tooltip=_RATING,
        )
    )
    made: alt.Chart = described(bars, f"Share of low ratings in {len(points)} windows.", 230)
    return made


def volume(points: Sequence[HealthPoint]) -> alt.Chart:
    """Predictions by window."""
    bars = (
        chart([_health(p) for p in points])
        .mark_rect(color=BLUE, opacity=0.8, stroke="white", strokeOpacity=0.5)
        .encode(
            x=time_x("start"),
            x2="end:T",
            y=value_y("n", "predictions", "~s", zero=True),
            y2=alt.Y2Datum(0),
            tooltip=_HEALTH,
        )
    )
    made: alt.Chart = described(bars, f"Predictions in {len(points)} windows.", 200)
    return made


def _rating(point: FeedbackPoint) -> dict[str, Any]:
    return _window(point) | {
        "group": point.cohort_value or "everybody",
        "rating": point.rating_mean,
        "low": point.rating_ci_low,
        "high": point.rating_ci_high,
        "low_share": point.low_share,
        "n": point.n,
        "n_rated": point.n_rated,
    }


def _health(point: HealthPoint) -> dict[str, Any]:
    return _window(point) | {
        "n": point.n,
        "p50": point.latency_p50_ms,
        "p95": point.latency_p95_ms,
        "errors": point.error_share,
    }


def _window(point: Any) -> dict[str, Any]:
    return {
        "start": point.window_start,
        "end": point.window_end,
        "middle": point.window_start + (point.window_end - point.window_start) / 2,
        "span": f"{day(point.window_start)} – {day(point.window_end)}",
    }


_RATING = [
    alt.Tooltip("span:N", title="window"),
    alt.Tooltip("group:N", title="cohort"),
    alt.Tooltip("rating:Q", format=".2f"),
    *within(".2f", "low", "high"),
    alt.Tooltip("low_share:Q", title="one or two stars", format=".1%"),
    alt.Tooltip("n_rated:Q", title="n rated", format=","),
]
_HEALTH = [
    alt.Tooltip("span:N", title="window"),
    alt.Tooltip("n:Q", title="predictions", format=","),
    alt.Tooltip("p50:Q", title="median ms", format=".0f"),
    alt.Tooltip("p95:Q", title="95th percentile ms", format=".0f"),
    alt.Tooltip("errors:Q", title="errors", format=".2%"),
]
