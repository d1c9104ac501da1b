"""What models give against what they cost: one point a model, those that nothing beats as filled circles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt

from loop_core.charts.palette import BLUE, GREY, chart, described
from loop_core.charts.performance import short
from loop_core.compare.tradeoff import AXES, Candidate, Tradeoff

#: Cost → its axis title, and what a value is divided by.
COSTS: dict[str, tuple[str, float]] = {
    "latency": ("median latency of one answer, ms (left is better)", 1),
    "size": ("size of the package, kB (left is better)", 1e3),
    "training": ("training, s (left is better)", 1),
    "fairness gap": ("widest gap between protected groups (left is better)", 1),
}
STANDS, BEATEN = "nothing beats it", "beaten on everything"
_HEIGHT = 320


def tradeoff_chart(found: Tradeoff, cost: str) -> alt.LayerChart:
    """The metric against one cost. Models that are not known on both are left out; the table beside it has them.

    Args:
        found: the trade-off.
        cost: a key of `COSTS`.
    """
    rows = [_row(one, cost) for one in drawn(found, cost)]
    metric = found.metric.replace("_", " ")
    better = "up" if found.more_is_better else "down"
    base = chart(rows).encode(
        x=alt.X("cost:Q", title=COSTS[cost][0], scale=alt.Scale(zero=False, padding=40)),
        y=alt.Y("value:Q", title=f"{metric} ({better} is better)", scale=alt.Scale(zero=False, padding=24)),
        tooltip=_TOOLTIP,
    )
    words, colours, shapes = [STANDS, BEATEN], [BLUE, GREY], ["circle", "cross"]
    legend = alt.Legend(orient="top", title=None)
    points = base.mark_point(filled=True, size=170, opacity=1).encode(
        color=alt.Color("word:N", scale=alt.Scale(domain=words, range=colours), legend=legend),
        shape=alt.Shape("word:N", scale=alt.Scale(domain=words, range=shapes), legend=legend),
    )
    names = base.mark_text(align="left", dx=11, dy=-8, size=12, color=GREY).encode(text="label:N")
    made: alt.LayerChart = described(alt.layer(points, names), _text(found, cost, rows), _HEIGHT)
    return made


def drawn(found: Tradeoff, cost: str) -> list[Candidate]:
    """The models that are known on the metric and on this cost."""
    return [one for one in found.candidates if one.value is not None and _cost(one, cost) is not None]


def _cost(one: Candidate, cost: str) -> float | None:
    values = {
        "latency": one.latency_p50_ms,
        "size": one.model_bytes,
        "training": one.training_seconds,
        "fairness gap": one.gap,
    }
    return values[cost]


def _row(one: Candidate, cost: str) -> dict[str, Any]:
    value = _cost(one, cost) or 0.0
    # A latency in the log is another thing than one measured here: it says so where it stands.
    apart = " (logged)" if cost == "latency" and one.latency_from == "logged" else ""
    return {
        "label": short(one.version) + apart,
        "value": one.value,
        "cost": value / COSTS[cost][1],
        "word": BEATEN if one.dominated_by else STANDS,
        "by": ", ".join(map(short, one.dominated_by)) or "–",
        "unknown": ", ".join(AXES[axis] for axis in one.unknown) or "–",
    }


_TOOLTIP = [
    alt.Tooltip("label:N", title="model"),
    alt.Tooltip("value:Q", title="metric", format=".4f"),
    alt.Tooltip("cost:Q", title="cost", format=",.3~f"),
    alt.Tooltip("word:N", title="all axes"),
    alt.Tooltip("by:N", title="beaten by"),
    alt.Tooltip("unknown:N", title="not known"),
]


def _text(found: Tradeoff, cost: str, rows: Sequence[dict[str, Any]]) -> str:
    return f"{found.metric} against {cost} of {len(rows)} models. {found.sentence}"
