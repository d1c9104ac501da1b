"""One rate of both models in every group of a protected cohort: how far apart the groups are, before and after."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import altair as alt

from loop_core.charts.palette import BLUE, GREY, chart, described

if TYPE_CHECKING:
    from loop_core.compare.fairness_result import GroupRate

ROW = 26
"""Pixels of one group's line."""
_MODELS = {"champion": (GREY, "circle"), "challenger": (BLUE, "diamond")}


def group_rates(rates: Sequence[GroupRate], share: bool = True) -> alt.LayerChart:
    """Champion → challenger per group, the largest rate of the challenger on top.

    Args:
        rates: one rate of one cohort, a group each; those without a value are left out.
        share: the rate is a share (0..1), not a number in the label's unit.
    """
    told = sorted(
        (r for r in rates if r.challenger is not None and r.champion is not None), key=lambda r: r.challenger or 0
    )
    rows = [_row(one, model) for one in told for model in _MODELS]
    format_ = ".1%" if share else ",.4~g"
    y = alt.Y(
        "who:N",
        title=None,
        sort=[_who(one) for one in told][::-1],
        axis=alt.Axis(labelLimit=260, ticks=False, domain=False, labelPadding=8),
    )
    axis = alt.Axis(format=format_.replace(".1%", ".1~%"), gridOpacity=0.4, tickCount=6)
    x = alt.X("value:Q", title=told[0].rate if told else "", scale=alt.Scale(zero=share, nice=True), axis=axis)
    base = chart(rows)
    line = base.mark_line(color=GREY, size=1.5).encode(x=x, y=y, detail="who:N")
    legend = alt.Legend(orient="top", title=None)
    names = list(_MODELS)
    points = base.mark_point(filled=True, size=95, opacity=1).encode(
        x=x,
        y=y,
        color=alt.Color(
            "model:N", legend=legend, scale=alt.Scale(domain=names, range=[c for c, _ in _MODELS.values()])
        ),
        shape=alt.Shape(
            "model:N", legend=legend, scale=alt.Scale(domain=names, range=[s for _, s in _MODELS.values()])
        ),
        tooltip=[
            alt.Tooltip("who:N", title="group"),
            alt.Tooltip("model:N"),
            alt.Tooltip("value:Q", title="rate", format=format_),
        ],
    )
    made: alt.LayerChart = described(alt.layer(line, points), _text(told, format_), ROW * max(2, len(told)) + 60)
    return made


def _who(one: GroupRate) -> str:
    return f"{one.cohort_value} · n {one.n:,}"


def _row(one: GroupRate, model: str) -> dict[str, Any]:
    return {"who": _who(one), "model": model, "value": getattr(one, model)}


def _text(told: Sequence[GroupRate], format_: str) -> str:
    if not told:
        return "No group has rows enough."
    first, last = told[-1], told[0]
    said = (f"{one.cohort_value} {one.challenger:{'.1%' if '%' in format_ else '.4g'}}" for one in (first, last))
    return f"{told[0].rate} of {len(told)} groups of {told[0].cohort}; of the challenger most for {next(said)}, least for {next(said)}."
