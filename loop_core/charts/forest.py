"""The forest plot of a comparison: one line a group, the most harmed on top, intervals around zero."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import altair as alt

from loop_core.charts.palette import GREY, VERDICTS, chart, coloured, described, shaped
from loop_core.compare.scale import digits
from loop_core.signed import Number, decimals, signed_difference
from loop_core.vocabulary import MARKS, Verdict

if TYPE_CHECKING:
    from loop_core.compare import Cell
    from loop_core.compare.scale import Scaled

ROW = 26
"""Pixels of one group's line."""
#: Pixels left of the bars for the rows' number, and right of them for the verdict in words.
LEFT, RIGHT = 62, 118
FORMATS = {"absolute": "+.3~g", "relative": "+.2~p", "weekly": "+,.3~g"}


@dataclass(frozen=True)
class Look:
    """How differences are told."""

    scale: str = "absolute"
    """`absolute`, `relative` or `weekly`."""
    unit: str = ""
    """What they are counted in, for the axis; empty: the metric's own."""
    selected: str | None = None
    """The group that is marked, as `Cell.who` names it."""


def forest(cells: Sequence[Cell], look: Look | None = None, scaled: Sequence[Scaled] | None = None) -> alt.LayerChart:
    """Challenger minus champion, signed so that right is good, a line for each group in the order given; the margin is the
    tick in grey.

    Args:
        cells: of one metric; one without a difference has its line and no bar.
        look: how differences are told; None: in the metric's own unit.
        scaled: the cells' differences on that scale, one each; None: as they are.

    The selection is called `group` and gives `who`.
    """
    look = look or Look()
    binding = any(cell.block != "signal" for cell in cells)
    rows = [
        _line(
            cell,
            binding and cell.block == "signal",
            _number(cell, look.scale),
            *_ends(cell, scaled[place] if scaled else None),
        )
        for place, cell in enumerate(cells)
    ]
    known = [row for row in rows if row["difference"] is not None]
    axes: dict[str, Any] = {"y": _y([row["label"] for row in rows]), "tooltip": _tooltip(FORMATS[look.scale])}
    base, bars = chart(rows).encode(**axes), chart(known).encode(**axes, color=coloured("verdict", VERDICTS))
    layers = [
        _band(chart([row for row in rows if row["who"] == look.selected]).encode(y=axes["y"])),
        _zero(look),
        bars.mark_tick(size=14, thickness=2, opacity=0.9).encode(x=_x("margin", look), color=alt.value(GREY)),
        bars.mark_rule(size=2.5).encode(x=_x("ci_low", look), x2="ci_high:Q"),
        *(
            chart([row for row in known if (row["verdict"] == Verdict.INCONCLUSIVE) is not filled])
            .mark_point(filled=filled, size=95, opacity=1, strokeWidth=2)
            .encode(
                **axes,
                x=_x("difference", look),
                color=coloured("verdict", VERDICTS),
                shape=shaped("verdict", [v.value for v in Verdict]),
            )
            for filled in (True, False)
        ),
        base.mark_text(align="right", size=12, color=GREY).encode(x=alt.value(LEFT - 10), text="rows:N"),
        base.mark_text(align="left", size=12, fontWeight=600).encode(
            x=alt.value(alt.ExprRef(f"width - {RIGHT - 8}")), text="word:N", color=coloured("verdict", VERDICTS)
        ),
        _clickable(base),
    ]
    made: alt.LayerChart = described(alt.layer(*layers), _text(cells), ROW * max(2, len(rows)) + 58)
    return made


def by_harm(cells: Sequence[Cell], harm: Callable[[Cell], float | None] | None = None) -> list[Cell]:
    """Overall first, then the groups from the most harmed to the one that gains most; after them groups that decide
    nothing, and those not estimable.

    Args:
        cells: of one metric.
        harm: cell → its difference on the scale that is shown; None: in the metric's own unit.
    """
    told = {id(cell): harm(cell) if harm else cell.difference for cell in cells}

    def place(cell: Cell) -> tuple[bool, bool, bool, float]:
        known = told[id(cell)]
        return cell.cohort is not None, cell.block == "signal", known is None, known or 0.0

    return sorted(cells, key=place)


def _y(order: Sequence[str]) -> alt.Y:
    axis = alt.Axis(
        labelLimit=380, labelOverlap=False, labelFlush=False, ticks=False, domain=False, labelPadding=8, title="champion → challenger", titleAngle=0,
        titleAlign="right", titleAnchor="start", titleX=-8, titleY=-10, titleFontWeight=400, titleBaseline="bottom",
    )  # fmt: skip
    return alt.Y("label:N", sort=list(order), axis=axis)


def _x(field: str, look: Look) -> alt.X:
    title = f"difference to the champion{f', {look.unit}' if look.unit else ''} (right: challenger better)"
    axis = alt.Axis(format=FORMATS[look.scale], gridOpacity=0.4, tickCount=5, labelFlush=False)
    scale = alt.Scale(range=[LEFT, alt.ExprRef(f"width - {RIGHT}")], nice=False, padding=8)
    return alt.X(f"{field}:Q", title=title, axis=axis, scale=scale)


def _zero(look: Look) -> alt.Chart:
    line: alt.Chart = chart([{"zero": 0}]).mark_rule(color=GREY, size=1.5).encode(x=_x("zero", look))
    return line


def _band(base: alt.Chart) -> alt.Chart:
    made: alt.Chart = base.mark_rect(color=GREY, opacity=0.18).encode(
        x=alt.value(0), x2=alt.value(alt.ExprRef("width"))
    )
    return made


def _clickable(base: alt.Chart) -> alt.Chart:
    made: alt.Chart = (
        base.mark_rect(color=GREY, fillOpacity=0.001, cursor="pointer")
        .encode(x=alt.value(0), x2=alt.value(alt.ExprRef("width")))
        .add_params(alt.selection_point(name="group", fields=["who"]))
    )
    return made


def _ends(cell: Cell, scaled: Scaled | None) -> tuple[float | None, ...]:
    one = scaled or cell
    return one.difference, one.ci_low, one.ci_high, one.margin


def _number(cell: Cell, scale: str) -> Number | None:
    """How sizes of a cell's difference are written on a scale."""
    if scale == "relative":
        return lambda size: f"{size:.2%}"
    return decimals(digits(cell)) if scale == "absolute" else None


def _line(
    cell: Cell,
    shown_only: bool,
    number: Number | None,
    difference: float | None,
    low: float | None,
    high: float | None,
    margin: float | None,
) -> dict[str, Any]:
    decimals = digits(cell)
    values = [f"{value:,.{decimals}f}" if value is not None else "–" for value in (cell.champion, cell.challenger)]
    return {
        "who": cell.who,
        # Em spaces, because plain ones are drawn as one.
        "label": f"{cell.who}{' (shown only)' if shown_only else ''}\u2003{' → '.join(values)}",
        "rows": f"n {cell.n:,}",
        "verdict": cell.verdict.value,
        "word": MARKS[cell.verdict],
        "gain": None if difference is None else signed_difference(difference, low, high, number=number),
        "difference": difference,
        "ci_low": low,
        "ci_high": high,
        "margin": -margin if margin is not None else None,
        "champion": cell.champion,
        "challenger": cell.challenger,
        "method": cell.method or cell.reason,
    }


def _tooltip(number: str) -> list[alt.Tooltip]:
    return [
        alt.Tooltip("who:N", title="group"),
        alt.Tooltip("word:N", title="verdict"),
        alt.Tooltip("rows:N", title="rows"),
        alt.Tooltip("champion:Q", format=".4~g"),
        alt.Tooltip("challenger:Q", format=".4~g"),
        alt.Tooltip("gain:N", title="difference (95 %)"),
        alt.Tooltip("margin:Q", title="margin", format=number),
        alt.Tooltip("method:N"),
    ]


def _text(cells: Sequence[Cell]) -> str:
    worse = [c.who for c in cells if c.verdict is Verdict.WORSE]
    named = f" Worse for {', '.join(worse[:5])}." if worse else " Worse for nobody."
    return f"Challenger minus champion in {len(cells)} groups.{named}"
