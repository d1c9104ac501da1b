"""Drift: the heatmap feature × window, and one feature's reference beside its current window."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import altair as alt

from loop_core.charts.palette import (
    CURRENT,
    GREY,
    REFERENCE,
    STATES,
    chart,
    coloured,
    dashed,
    day,
    described,
    shaped,
    time_x,
    value_y,
)
from loop_core.monitor.drift.titles import TITLES
from loop_core.vocabulary import MARKS, State

if TYPE_CHECKING:
    from loop_core.monitor import DriftScore

ROW = 26
"""Pixels of one feature's row."""


def drift_heatmap(scores: Sequence[DriftScore], order: Sequence[str] | None = None) -> alt.LayerChart:
    """Feature × window, worst feature on top: the deeper the colour, the further over its learned threshold.

    Args:
        scores: one cohort value's drift scores.
        order: features from top to bottom; None: as `worst_first` has them.

    The selection is called `cell` and gives `feature` and `window` (the start, ISO text).
    """
    features = list(order or worst_first(scores))
    base = chart([_cell(s) for s in scores if s.feature in set(features)]).encode(
        x=alt.X(
            "window:O",
            title=None,
            axis=alt.Axis(
                labelExpr="utcFormat(toDate(datum.value), '%-d %b')",
                labelAngle=0,
                labelOverlap=True,
                labelFlush=False,
                labelBound=False,
            ),
        ),
        y=alt.Y(
            "feature:N",
            title=None,
            sort=features,
            axis=alt.Axis(labelLimit=220, ticks=False, domain=False, labelFlush=False, labelBound=False),
        ),
        tooltip=_CELL_TOOLTIP,
    )
    cells = (
        base.mark_rect(stroke=GREY, strokeOpacity=0.35, strokeWidth=1, cornerRadius=2)
        .encode(
            color=coloured("state", STATES),
            fillOpacity=alt.FillOpacity(
                "depth:Q", legend=None, scale=alt.Scale(domain=[0, 1], range=[0.03, 1], clamp=True)
            ),
        )
        .add_params(alt.selection_point(name="cell", fields=["feature", "window"]))
    )
    # Shapes only where something is to be said: an ok cell is quiet.
    loud = alt.datum.state != State.OK.value
    marks = (
        base.transform_filter(loud)
        .mark_point(filled=True, size=55, opacity=1, stroke="white", strokeWidth=0.8)
        .encode(
            color=coloured("state", STATES),
            shape=shaped("state", [s.value for s in (State.WATCH, State.ALARM, State.TOO_FEW)]),
        )
    )
    made: alt.LayerChart = described(
        alt.layer(cells, marks), _heatmap_text(scores, features), max(80, ROW * len(features) + 30)
    )
    return made


def worst_first(scores: Sequence[DriftScore]) -> list[str]:
    """Features by how far their newest window is over its threshold, then by their worst window."""
    newest = max((s.window_start for s in scores), default=None)
    worst: dict[str, tuple[float, float]] = {}
    for score in scores:
        now, ever = worst.get(score.feature, (-1.0, -1.0))
        ratio = _ratio(score)
        worst[score.feature] = (ratio if score.window_start == newest else now, max(ever, ratio))
    return sorted(worst, key=lambda feature: (-worst[feature][0], -worst[feature][1], feature))


def drift_line(scores: Sequence[DriftScore]) -> alt.LayerChart:
    """One feature's drift by window, with the threshold learned for each window's row count and the folklore value."""
    rows, title = [_cell(s) for s in scores], TITLES.get(scores[-1].method, scores[-1].method)
    base = chart(rows).encode(x=time_x("middle"), tooltip=_CELL_TOOLTIP)
    line = base.mark_line(color=GREY, size=1.5).encode(y=value_y("value", title, ".2f", zero=True))
    points = base.mark_point(filled=True, size=70, opacity=1).encode(
        y="value:Q",
        color=coloured("state", STATES),
        shape=shaped("state", [s.value for s in (State.OK, State.WATCH, State.ALARM, State.TOO_FEW)]),
    )
    learned = base.mark_line(strokeDash=[5, 4], color=STATES[State.ALARM], interpolate="step").encode(y="threshold:Q")
    layers = [line, learned, points]
    if scores[-1].folklore is not None:
        layers.insert(2, dashed(scores[-1].folklore, "folklore value, shown for orientation only", GREY))
    name = scores[-1].feature
    made: alt.LayerChart = described(
        alt.layer(*layers),
        f"{title} of {name} in {len(rows)} windows with its learned threshold.",
        300,
    )
    return made


def distributions(rows: Sequence[dict[str, Any]], feature: str, numeric: bool) -> alt.Chart:
    """Reference and current shares of one feature, overlaid.

    Args:
        rows: dicts with `bin` (label), `order` (position), `window` ("reference" or "current"), `share` (0..1), `n`.
        feature: its name, for the title.
        numeric: bins have an order (numbers) or are drawn by share (categories).
    """
    bars = (
        chart(rows)
        .mark_bar(opacity=0.85)
        .encode(
            x=alt.X(
                "bin:N",
                title=feature,
                sort=alt.EncodingSortField("order"),
                axis=alt.Axis(labelAngle=-40 if numeric else 0, labelLimit=90, labelOverlap=True),
            ),
            xOffset=alt.XOffset("window:N", sort=["reference", "current"]),
            y=value_y("share", "share of rows", ".0%", zero=True),
            color=coloured("window", {"reference": REFERENCE, "current": CURRENT}, legend=True),
            tooltip=[
                "window:N",
                alt.Tooltip("bin:N", title=feature),
                alt.Tooltip("share:Q", format=".2%"),
                alt.Tooltip("n:Q", format=","),
            ],
        )
    )
    made: alt.Chart = described(
        bars, f"Shares of {feature} in the reference and the current window, in {len(rows) // 2} bins.", 300
    )
    return made


_CELL_TOOLTIP = [
    alt.Tooltip("feature:N"),
    alt.Tooltip("span:N", title="window"),
    alt.Tooltip("word:N", title="state"),
    alt.Tooltip("value:Q", title="drift", format=".3f"),
    alt.Tooltip("threshold:Q", title="learned threshold", format=".3f"),
    alt.Tooltip("folklore:Q", title="folklore value", format=".2f"),
    alt.Tooltip("n_current:Q", title="n current", format=","),
    alt.Tooltip("n_reference:Q", title="n reference", format=","),
]


def _cell(score: DriftScore) -> dict[str, Any]:
    return {
        "feature": score.feature,
        "window": score.window_start.isoformat(),
        "middle": score.window_start + (score.window_end - score.window_start) / 2,
        "span": f"{day(score.window_start)} – {day(score.window_end)}",
        "state": score.state.value,
        "word": MARKS.get(score.state, score.state.value),
        "value": score.value,
        "threshold": score.threshold,
        "folklore": score.folklore,
        "depth": min(1.0, _ratio(score) / 4) if score.value is not None else 0,
        "n_current": score.n_current,
        "n_reference": score.n_reference,
    }


def _ratio(score: DriftScore) -> float:
    return score.value / score.threshold if score.value is not None and score.threshold else -1.0


def _heatmap_text(scores: Sequence[DriftScore], features: Sequence[str]) -> str:
    newest = max((s.window_start for s in scores), default=None)
    loud = [s.feature for s in scores if s.window_start == newest and s.state in (State.WATCH, State.ALARM)]
    named = f": {', '.join(sorted(loud)[:5])}" if loud else ""
    return f"Drift of {len(features)} features by window. In the newest window {len(loud)} drifted{named}."
