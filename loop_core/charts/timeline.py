"""What happened to a loop, on one time axis: releases, decisions, retrains, roll-backs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from loop_core.charts.palette import AMBER, BLUE, GREY, VERMILION, chart, described, time_x
from loop_core.charts.performance import Span

#: Lane → (colour, shape).
LANES: Mapping[str, tuple[str, str]] = {
    "release": (BLUE, "circle"),
    "rollback": (VERMILION, "triangle-down"),
    "retrain": ("#0E9C77", "square"),
    "trigger": (AMBER, "diamond"),
    "drift": (VERMILION, "triangle-up"),
}


def timeline(events: Sequence[Mapping[str, Any]], span: Span) -> alt.Chart:
    """Events in lanes.

    Args:
        events: dicts with `when` (UTC instant), `lane` (one of LANES) and `what` (a sentence).
    """
    lanes = [lane for lane in LANES if any(e["lane"] == lane for e in events)]
    points = (
        chart(events)
        .mark_point(filled=True, size=85, opacity=0.9, stroke=GREY, strokeWidth=0.5)
        .encode(
            x=time_x("when", span),
            y=alt.Y(
                "lane:N",
                title=None,
                sort=lanes,
                axis=alt.Axis(ticks=False, domain=False, labelPadding=8, grid=True, gridOpacity=0.4),
            ),
            color=alt.Color(
                "lane:N", legend=None, scale=alt.Scale(domain=lanes, range=[LANES[lane][0] for lane in lanes])
            ),
            shape=alt.Shape(
                "lane:N", legend=None, scale=alt.Scale(domain=lanes, range=[LANES[lane][1] for lane in lanes])
            ),
            tooltip=[alt.Tooltip("day:N", title="when"), alt.Tooltip("what:N", title=" ")],
        )
    )
    made: alt.Chart = described(
        points, f"{len(events)} events: {', '.join(lanes) or 'none yet'}.", 34 * max(2, len(lanes)) + 40
    )
    return made
