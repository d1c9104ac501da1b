"""What came in: how complete the labels are by age, and what the gates said of each delivery."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import altair as alt

from loop_core.charts.palette import AMBER, BLUE, GREY, VERMILION, VERSIONS, chart, coloured, described, value_y, within

if TYPE_CHECKING:
    from loop_core.labels.completeness import CompletenessPoint
    from loop_core.monitor.intake import BatchLine

#: What the gates did with a row → colour.
OUTCOMES: Mapping[str, str] = {"accepted": BLUE, "unchanged": GREY, "conflicting": AMBER, "quarantined": VERMILION}
#: A curve needs no more points than this to look like one.
POINTS = 120


def completeness_curve(points: Sequence[CompletenessPoint], horizon_days: float, asked: float) -> alt.LayerChart:
    """Share of predictions whose label is known, by their age, with its 95 % interval; one line a cohort value.

    Args:
        points: of one cohort or of everybody; at most six values are told apart.
        horizon_days: age at which a prediction without label counts as settled (dashed).
        asked: share that a window needs before its metric is reported (dashed).
    """
    rows = [_completeness(p) for p in thinned(points)]
    names = list(dict.fromkeys(row["group"] for row in rows))
    legend = alt.Legend(orient="top", title=None, labelLimit=160, symbolOpacity=1) if len(names) > 1 else None
    scale = alt.Scale(domain=names, range=[VERSIONS[i % len(VERSIONS)] for i in range(len(names))])
    base = chart(rows).encode(
        x=alt.X("age:Q", title="days since the prediction", axis=alt.Axis(grid=False, tickCount=10)),
        color=alt.Color("group:N", legend=legend, scale=scale),
        tooltip=_COMPLETENESS,
    )
    band = base.mark_area(opacity=0.16, interpolate="step-after").encode(
        y=value_y("low", "labels known", ".0%", zero=True), y2="high:Q"
    )
    line = base.mark_line(size=2, interpolate="step-after").encode(y="share:Q")
    made: alt.LayerChart = described(
        alt.layer(band, line, *_limits(rows, horizon_days, asked)),
        f"Share of labels known by age of the prediction, in {len(names)} groups; {asked:.0%} are asked for.",
        230,
    )
    return made


def thinned(points: Sequence[CompletenessPoint], most: int = POINTS) -> list[CompletenessPoint]:
    """At most so many points a group, evenly, the first and the last always."""
    groups: dict[str | None, list[CompletenessPoint]] = {}
    for point in points:
        groups.setdefault(point.cohort_value, []).append(point)
    kept: list[CompletenessPoint] = []
    for group in groups.values():
        step = max(1, -(-len(group) // most))
        kept += [*group[:-1:step], group[-1]]
    return kept


def gate_results(batches: Sequence[BatchLine]) -> alt.Chart:
    """Rows by day of arrival and by what the gates did with them.

    Args:
        batches: of one signal or of all, any order.
    """
    counts: dict[tuple[str, str], int] = {}
    for batch in batches:
        for outcome in OUTCOMES:
            key = (batch.arrived_at.strftime("%Y-%m-%d"), outcome)
            counts[key] = counts.get(key, 0) + getattr(batch, outcome)
    order = list(OUTCOMES)
    rows: list[dict[str, Any]] = [
        {"day": arrived, "outcome": outcome, "rows": n, "place": order.index(outcome)}
        for (arrived, outcome), n in sorted(counts.items())
        if n
    ]
    axis = alt.Axis(labelExpr="utcFormat(toDate(datum.value), '%-d %b %y')", labelAngle=0, labelOverlap=True)
    bars = (
        chart(rows)
        .mark_bar(opacity=0.9)
        .encode(
            x=alt.X("day:O", title="arrived", axis=axis),
            y=value_y("rows", "rows", "~s", zero=True),
            color=coloured("outcome", OUTCOMES, legend=True),
            order=alt.Order("place:Q"),
            tooltip=["day:N", "outcome:N", alt.Tooltip("rows:Q", format=",")],
        )
    )
    held = sum(row["rows"] for row in rows if row["outcome"] == "quarantined")
    made: alt.Chart = described(
        bars, f"What the gates did with {len(batches)} deliveries: {held:,} rows held back.", 230
    )
    return made


def _limits(rows: Sequence[dict[str, Any]], horizon_days: float, asked: float) -> list[alt.Chart]:
    style: dict[str, Any] = {"strokeDash": [5, 4], "color": GREY, "size": 1.5}
    across = chart([{"share": asked, "source": "labels.min_mature_share of the charter"}])
    drawn = [
        across.mark_rule(**style).encode(y="share:Q", tooltip=[alt.Tooltip("source:N", title="Asked for"), "share:Q"])
    ]
    if rows and horizon_days <= max(row["age"] for row in rows):
        up = chart([{"age": horizon_days, "source": "labels.horizon_days of the charter"}])
        drawn.append(
            up.mark_rule(**style).encode(x="age:Q", tooltip=[alt.Tooltip("source:N", title="Horizon"), "age:Q"])
        )
    return drawn


_COMPLETENESS = [
    alt.Tooltip("group:N", title="cohort"),
    alt.Tooltip("age:Q", title="days old", format=".3~g"),
    alt.Tooltip("share:Q", title="labels known", format=".1%"),
    *within(".1%", "low", "high"),
    alt.Tooltip("n:Q", title="predictions of that age", format=","),
]


def _completeness(point: CompletenessPoint) -> dict[str, Any]:
    return {
        "group": point.cohort_value if point.cohort_value is not None else "everybody",
        "age": point.age_days,
        "share": point.share,
        "low": point.ci_low,
        "high": point.ci_high,
        "n": point.n,
    }
