"""Calibration and the decision boundary: can a probability be taken at its word, and what happens near the threshold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import altair as alt

from loop_core.charts.palette import (
    BLUE,
    GREY,
    STATES,
    VERMILION,
    VERSIONS,
    chart,
    coloured,
    day,
    described,
    shaped,
    time_x,
    value_y,
    within,
)
from loop_core.charts.performance import Span
from loop_core.vocabulary import MARKS, State

if TYPE_CHECKING:
    from loop_core.monitor.boundary import ScoreBands
    from loop_core.monitor.reliability import ReliabilityCurve


def reliability_chart(
    curves: Sequence[ReliabilityCurve], names: Sequence[str] | None = None, height: int = 320
) -> alt.LayerChart:
    """Observed share against score, with 95 % intervals; on the dashed diagonal a probability keeps its word. Of numbers,
    the mean of what came against what was predicted.

    Args:
        curves: one a group or model; at most six are told apart.
        names: what they are called, one each; None: their groups.
        height: pixels.
    """
    called = names or [curve.cohort_value if curve.cohort_value is not None else "everybody" for curve in curves]
    rows = [
        _bin(curve, place, name) for curve, name in zip(curves, called, strict=True) for place in range(len(curve.bins))
    ]
    names = list(dict.fromkeys(row["group"] for row in rows))
    legend = alt.Legend(orient="top", title=None, labelLimit=160) if len(names) > 1 else None
    colour = alt.Color(
        "group:N",
        legend=legend,
        scale=alt.Scale(domain=names, range=[VERSIONS[i % len(VERSIONS)] for i in range(len(names))]),
    )
    unit = curves[0].unit if curves else None
    tick, said, came = (
        (".0%", "score", "observed share") if unit is None else ("~s", f"predicted {unit}", f"mean {unit}")
    )
    ends = [end for row in rows for end in (row["score"], row["low"], row["high"])]
    start, end = (0.0, max([0.05, *ends])) if unit is None else (min([0.0, *ends]), max([0.0, *ends]))
    x = alt.X("score:Q", title=said, scale=alt.Scale(domain=[start, end]), axis=alt.Axis(format=tick, tickCount=6))
    base = chart(rows).encode(x=x, color=colour, tooltip=_BIN)
    diagonal = chart([{"score": start, "share": start}, {"score": end, "share": end}]).mark_line(
        color=GREY, strokeDash=[5, 4], size=1.5
    )
    y = value_y("share", came, tick, zero=True)
    bars = base.mark_rule(size=2, opacity=0.5, clip=True).encode(y="low:Q", y2="high:Q")
    line = base.mark_line(size=1.5, opacity=0.8).encode(y="share:Q")
    shape = alt.Shape("group:N", legend=legend, scale=alt.Scale(domain=names, range=list(_SHAPES)))
    dots = base.mark_point(filled=True, size=55, opacity=1).encode(y="share:Q", shape=shape)
    text = f"{came.capitalize()} against {said} in {len(names)} groups; the diagonal is perfect calibration."
    layers = [diagonal.encode(x=x, y=y), bars, line, dots]
    made: alt.LayerChart = described(alt.layer(*layers), text, height)
    return made


def calibration_trend(curves: Sequence[ReliabilityCurve], span: Span | None = None) -> alt.LayerChart:
    """Expected calibration error by window, with its 95 % interval."""
    unit = curves[0].unit if curves else None
    rows = [_curve(curve) for curve in curves if curve.ece is not None]
    base = chart(rows).encode(x=time_x("middle", span), tooltip=_curve_tooltip(".2%" if unit is None else ".3~g"))
    band = base.mark_area(color=BLUE, opacity=0.2).encode(
        y=value_y("low", *(("calibration error", ".1%") if unit is None else (f"off by, {unit}", "~s")), zero=True),
        y2="high:Q",
    )
    line = base.mark_line(color=BLUE, size=2).encode(y="ece:Q")
    dots = base.mark_point(filled=True, size=55, opacity=1).encode(
        y="ece:Q", color=coloured("state", STATES), shape=shaped("state", [s.value for s in _DRAWN])
    )
    text = f"Expected calibration error in {len(rows)} windows."
    made: alt.LayerChart = described(alt.layer(band, line, dots), text, 320)
    return made


def boundary_chart(bands: ScoreBands) -> alt.LayerChart:
    """Where scores lie (bars) and how often the decision on them was wrong (points with 95 % intervals).

    Both are shares, on one axis; the dashed line is the operating threshold.
    """
    rows = [
        {
            "low": band.low,
            "high": band.high,
            "middle": (band.low + band.high) / 2,
            "span": f"{band.low:.2f} – {band.high:.2f}",
            "share": band.share,
            "n": band.n,
            "n_labelled": band.n_labelled,
            "error": band.error_share,
            "ci_low": band.ci_low,
            "ci_high": band.ci_high,
        }
        for band in bands.bands
        if band.n
    ]
    end = max([bands.threshold + 0.05, *(band.high for band in bands.bands if band.n)])
    scale = alt.Scale(domain=[0, min(1.0, end)])
    x: dict[str, Any] = {"title": "score", "scale": scale, "axis": alt.Axis(tickCount=10)}
    density = (
        chart(rows)
        .mark_rect(color=GREY, opacity=0.45, stroke="white", strokeOpacity=0.4)
        .encode(
            x=alt.X("low:Q", **x),
            x2="high:Q",
            y=value_y("share", "share", ".0%", zero=True),
            y2=alt.Y2Datum(0),
            tooltip=_BAND,
        )
    )
    wrong = chart([row for row in rows if row["error"] is not None]).encode(x=alt.X("middle:Q", **x), tooltip=_BAND)
    bars = wrong.mark_rule(color=VERMILION, size=2, opacity=0.6).encode(y="ci_low:Q", y2="ci_high:Q")
    dots = wrong.mark_point(filled=True, size=60, color=VERMILION, opacity=1, shape="triangle-up").encode(y="error:Q")
    source = f"the model says yes from {bands.threshold:.3f} on"
    limit = (
        chart([{"threshold": bands.threshold, "source": source}])
        .mark_rule(strokeDash=[5, 4], color=BLUE, size=2)
        .encode(x="threshold:Q", tooltip=alt.Tooltip("source:N", title="Operating threshold"))
    )
    text = (
        f"Scores in {len(rows)} bands and the share of wrong decisions; {bands.near_share:.1%} lie near the threshold."
    )
    made: alt.LayerChart = described(alt.layer(density, bars, dots, limit), text, 320)
    return made


#: By which curves are told apart beside their colour.
_SHAPES = ("circle", "square", "triangle-up", "diamond", "cross", "triangle-down")
_DRAWN = (State.OK, State.WATCH, State.ALARM, State.PENDING, State.TOO_FEW)
_BIN = [
    alt.Tooltip("group:N"),
    alt.Tooltip("score:Q", title="mean score", format=".4~g"),
    alt.Tooltip("share:Q", title="observed", format=".4~g"),
    *within(".4~g", "low", "high"),
    alt.Tooltip("n:Q", format=","),
]
_BAND = [
    alt.Tooltip("span:N", title="score"),
    alt.Tooltip("share:Q", title="of all predictions", format=".1%"),
    alt.Tooltip("n:Q", format=","),
    alt.Tooltip("error:Q", title="decided wrongly", format=".1%"),
    *within(".1%"),
    alt.Tooltip("n_labelled:Q", title="labelled", format=","),
]


def _curve_tooltip(number: str) -> list[alt.Tooltip]:
    return [
        alt.Tooltip("span:N", title="window"),
        alt.Tooltip("ece:Q", title="calibration error", format=number),
        *within(number, "low", "high"),
        alt.Tooltip("slope:Q", format=".2f"),
        alt.Tooltip("intercept:Q", format="+.2~f"),
        alt.Tooltip("n:Q", format=","),
        alt.Tooltip("word:N", title="state"),
    ]


def _bin(curve: ReliabilityCurve, place: int, name: str) -> dict[str, Any]:
    one = curve.bins[place]
    return {"group": name, "score": one.score, "share": one.share, "low": one.ci_low, "high": one.ci_high, "n": one.n}


def _curve(curve: ReliabilityCurve) -> dict[str, Any]:
    return {
        "middle": curve.window_start + (curve.window_end - curve.window_start) / 2,
        "span": f"{day(curve.window_start)} – {day(curve.window_end)}",
        "ece": curve.ece,
        "low": curve.ece_ci_low,
        "high": curve.ece_ci_high,
        "slope": curve.slope,
        "intercept": curve.intercept,
        "n": curve.n,
        "state": curve.state.value,
        "word": MARKS.get(curve.state, curve.state.value),
    }
