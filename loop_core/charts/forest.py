"""The forest plot of a comparison: one line a cohort, the most harmed on top, intervals around zero."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import altair as alt

from loop_core.charts.palette import GREY, VERDICTS, chart, coloured, described, shaped, within
from loop_core.vocabulary import MARKS, Verdict

if TYPE_CHECKING:
    from loop_core.compare import Cell

ROW = 24
"""Pixels of one cohort's line."""


def forest(cells: Sequence[Cell]) -> alt.LayerChart:
    """Challenger minus champion, signed so that right is good, per cohort value; the margin is the dashed line.

    Args:
        cells: of one metric; those without a difference are left out (the table beside the plot has them).
    """
    drawn = by_harm([c for c in cells if c.difference is not None])
    rows = [_line(c) for c in drawn]
    order = [row["who"] for row in rows]
    y = alt.Y("who:N", title=None, sort=order, axis=alt.Axis(labelLimit=280, ticks=False, domain=False, labelPadding=8))
    base = chart(rows).encode(y=y, color=coloured("verdict", VERDICTS), tooltip=_TOOLTIP)
    axis = alt.Axis(format="+.3~f", gridOpacity=0.4)
    interval = base.mark_rule(size=2.5).encode(
        x=alt.X("ci_low:Q", title="difference to champion (right: challenger better)", axis=axis), x2="ci_high:Q"
    )
    point = base.mark_point(filled=True, size=95, opacity=1).encode(
        x="difference:Q", shape=shaped("verdict", [v.value for v in Verdict])
    )
    margin = base.mark_tick(size=14, thickness=2, color=GREY, opacity=0.9).encode(x="margin:Q", color=alt.value(GREY))
    words = base.mark_text(align="left", size=12).encode(x=alt.value("width"), text="word:N")
    layers = [_zero(), margin, interval, point, words]
    made: alt.LayerChart = described(alt.layer(*layers), _text(drawn), ROW * max(2, len(rows)) + 40)
    return made


def by_harm(cells: Sequence[Cell]) -> list[Cell]:
    """Overall first, then the cohorts from the most harmed to the one that gains most."""
    return sorted(cells, key=lambda c: (c.cohort is not None, c.difference if c.difference is not None else 0.0))


def who(cell: Cell) -> str:
    """The group a cell is about, in words."""
    return "everybody" if cell.cohort is None else f"{cell.cohort} {cell.cohort_value}"


def _zero() -> alt.Chart:
    line: alt.Chart = chart([{"zero": 0}]).mark_rule(color=GREY, size=1.5).encode(x="zero:Q")
    return line


def _line(cell: Cell) -> dict[str, Any]:
    return {
        "who": f"{who(cell)} · n {cell.n:,}",
        "verdict": cell.verdict.value,
        "word": "  " + MARKS[cell.verdict],
        "difference": cell.difference,
        "ci_low": cell.ci_low,
        "ci_high": cell.ci_high,
        "margin": -cell.margin,
        "champion": cell.champion,
        "challenger": cell.challenger,
        "method": cell.method,
    }


_TOOLTIP = [
    alt.Tooltip("who:N", title="group"),
    alt.Tooltip("word:N", title="verdict"),
    alt.Tooltip("champion:Q", format=".4f"),
    alt.Tooltip("challenger:Q", format=".4f"),
    alt.Tooltip("difference:Q", format="+.4f"),
    *within("+.4f"),
    alt.Tooltip("margin:Q", title="margin", format="+.4f"),
    alt.Tooltip("method:N"),
]


def _text(cells: Sequence[Cell]) -> str:
    worse = [who(c) for c in cells if c.verdict is Verdict.WORSE]
    named = f" Worse for {', '.join(worse[:5])}." if worse else " Worse for nobody."
    return f"Challenger minus champion in {len(cells)} groups.{named}"
