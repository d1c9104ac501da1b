"""Drift: the heatmap feature × window, what matters most on top."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import altair as alt

from loop_core.charts.palette import GREY, MAX_MARKS, STATES, chart, coloured, day, described, shaped
from loop_core.monitor.drift.titles import TITLES
from loop_core.vocabulary import MARKS, State

if TYPE_CHECKING:
    from loop_core.monitor import DriftScore

ROW = 26
"""Pixels of one feature's row."""
LOUD = (State.WATCH, State.ALARM)
UNKNOWN = (State.PENDING, State.TOO_FEW, State.NOT_APPLICABLE)


def drift_heatmap(
    scores: Sequence[DriftScore],
    order: Sequence[str] | None = None,
    importance: Mapping[str, float] | None = None,
    selected: tuple[str, str] | None = None,
) -> alt.LayerChart:
    """Feature × window, worst feature on top: the deeper the colour, the further over its learned threshold.

    Args:
        scores: one cohort value's drift scores by one method.
        order: features from top to bottom; None: as `worst_first` has them.
        importance: feature → share of the champion's mean |SHAP|, written beside its name.
        selected: (feature, first day of the window as ISO text) that is framed.

    The selection is called `cell` and gives `feature` and `window` (the start, ISO text). Features that would bring
    more marks than a browser should get are left out from the bottom.
    """
    features = list(order or worst_first(scores, importance))
    windows = len({s.window_start for s in scores})
    features = features[: max(1, MAX_MARKS // (2 * max(1, windows)))]
    names = {feature: _named(feature, importance) for feature in features}
    rows = [cell(s) | {"row": names[s.feature]} for s in scores if s.feature in names]
    axes: dict[str, Any] = {"x": _windows_x(), "y": _features_y(list(names.values())), "tooltip": TOOLTIP}
    layers = [
        _cells(chart(rows).encode(**axes)),
        # Shapes only where something is to be said: an ok cell is quiet.
        _loud(chart([row for row in rows if row["state"] in LOUD]).encode(**axes)),
        _unknown(chart([row for row in rows if row["state"] in UNKNOWN]).encode(**axes)),
        _frame(chart([row for row in rows if (row["feature"], row["window"][:10]) == selected]).encode(**axes)),
    ]
    text = _heatmap_text(scores, features)
    made: alt.LayerChart = described(alt.layer(*layers), text, ROW * max(2, len(features)) + 50)
    return made


def worst_first(scores: Sequence[DriftScore], importance: Mapping[str, float] | None = None) -> list[str]:
    """Features that drifted in the newest window by drift × importance, then the quiet ones in the same way.

    Drift is the score over its threshold, importance the share of the champion's mean |SHAP|; the score itself counts
    as much as the most important feature. Without importance all features count alike.
    """
    newest = max((s.window_start for s in scores), default=None)
    now: dict[str, tuple[bool, float]] = {}
    ever: dict[str, float] = {}
    matters: dict[str, float] = {}
    for score in scores:
        weighted = max(0.0, ratio(score)) * matters.setdefault(score.feature, weight(score, importance))
        ever[score.feature] = max(ever.get(score.feature, 0.0), weighted)
        if score.window_start == newest:
            now[score.feature] = (score.state in LOUD, weighted)
    places = {f: (*now.get(f, (False, 0.0)), ever[f], matters[f]) for f in ever}
    return sorted(places, key=lambda feature: (*(-place for place in places[feature]), feature))


def weight(score: DriftScore, importance: Mapping[str, float] | None) -> float:
    """What its drift counts for, 0..1: a feature's share, and of what the model said as much as of the first feature."""
    if not importance:
        return 1.0
    return max(importance.values()) if score.is_answer else importance.get(score.feature, 0.0)


def ratio(score: DriftScore) -> float:
    """Drift over its learned threshold; −1 where it cannot be told."""
    if score.value is None or score.threshold is None:
        return -1.0
    return score.value / score.threshold if score.threshold > 0 else float(score.value > 0)


def cell(score: DriftScore) -> dict[str, Any]:
    """One score as a chart's row."""
    return {
        "feature": score.feature,
        "window": score.window_start.isoformat(),
        "start": score.window_start,
        "end": score.window_end,
        "middle": score.window_start + (score.window_end - score.window_start) / 2,
        "span": f"{day(score.window_start)} – {day(score.window_end)}",
        "group": score.cohort_value if score.cohort_value is not None else "everybody",
        "state": score.state.value,
        "word": MARKS.get(score.state, score.state.value),
        "method": TITLES.get(score.method, score.method),
        "value": score.value,
        "by_chance": score.expected_by_chance,
        "threshold": score.threshold,
        "folklore": score.folklore,
        "ratio": ratio(score) if score.value is not None else None,
        "depth": min(1.0, max(0.0, ratio(score)) / 4),
        "p_value": score.p_value,
        "n_current": score.n_current,
        "n_reference": score.n_reference,
        "reason": score.reason,
    }


#: For every chart whose rows `cell` made.
TOOLTIP = [
    alt.Tooltip("feature:N"),
    alt.Tooltip("group:N", title="cohort"),
    alt.Tooltip("span:N", title="window"),
    alt.Tooltip("word:N", title="state"),
    alt.Tooltip("method:N"),
    alt.Tooltip("value:Q", format=".4~g"),
    alt.Tooltip("by_chance:Q", title="expected by chance", format=".2~g"),
    alt.Tooltip("threshold:Q", title="learned threshold", format=".4~g"),
    alt.Tooltip("folklore:Q", title="folklore value", format=".2f"),
    alt.Tooltip("p_value:Q", title="chance in a quiet window", format=".2g"),
    alt.Tooltip("n_current:Q", title="n current", format=","),
    alt.Tooltip("n_reference:Q", title="n reference", format=","),
    alt.Tooltip("reason:N", title="why not judged"),
]


def _named(feature: str, importance: Mapping[str, float] | None) -> str:
    if not importance or feature not in importance:
        return feature
    return f"{feature} · {importance.get(feature, 0.0):.0%}"


def _windows_x() -> alt.X:
    axis = alt.Axis(
        labelExpr="utcFormat(toDate(datum.value), '%-d %b')",
        labelAngle=0,
        labelOverlap=True,
        labelFlush=False,
        labelBound=False,
    )
    return alt.X("window:O", title=None, axis=axis)


def _features_y(names: Sequence[str]) -> alt.Y:
    axis = alt.Axis(labelLimit=240, ticks=False, domain=False, labelFlush=False, labelBound=False)
    return alt.Y("row:N", title=None, sort=list(names), axis=axis)


def _cells(base: alt.Chart) -> alt.Chart:
    depth = alt.Scale(domain=[0, 1], range=[0.03, 1], clamp=True)
    made: alt.Chart = (
        base.mark_rect(stroke=GREY, strokeOpacity=0.35, strokeWidth=1, cornerRadius=2, cursor="pointer")
        .encode(color=coloured("state", STATES), fillOpacity=alt.FillOpacity("depth:Q", legend=None, scale=depth))
        .add_params(alt.selection_point(name="cell", fields=["feature", "window"]))
    )
    return made


def _loud(base: alt.Chart) -> alt.Chart:
    marks = base.mark_point(filled=True, size=55, opacity=1, stroke="white", strokeWidth=0.8)
    made: alt.Chart = marks.encode(
        color=coloured("state", STATES), shape=shaped("state", [s.value for s in (*LOUD, *UNKNOWN)])
    )
    return made


def _unknown(base: alt.Chart) -> alt.Chart:
    made: alt.Chart = base.mark_point(filled=False, size=30, opacity=0.7, color=GREY, strokeWidth=1.2)
    return made


def _frame(base: alt.Chart) -> alt.Chart:
    made: alt.Chart = base.mark_rect(fillOpacity=0, stroke="#0E9C77", strokeWidth=3, cornerRadius=2)
    return made


def _heatmap_text(scores: Sequence[DriftScore], features: Sequence[str]) -> str:
    newest = max((s.window_start for s in scores), default=None)
    loud = [s.feature for s in scores if s.window_start == newest and s.state in LOUD]
    named = f": {', '.join(feature for feature in features if feature in loud)}" if loud else ""
    return f"Drift of {len(features)} features by window. In the newest window {len(loud)} drifted{named}."
