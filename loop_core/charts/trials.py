"""A search's trials: how the best came about, and which parameters mattered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import altair as alt

from loop_core.charts.palette import AMBER, BLUE, GREY, VERMILION, chart, described, value_y

if TYPE_CHECKING:
    from loop_core.retrain.live import LiveSearch

_STATES = {"complete": "● complete", "pruned": "◆ given up early", "fail": "▲ failed"}


def trial_history(search: LiveSearch) -> alt.LayerChart:
    """Objective by trial, the best so far as a step line, the champion's parameters as a dashed one; lower is better."""
    rows = [
        {
            "number": trial.number,
            "value": trial.value,
            "best": trial.best,
            "state": _STATES[trial.state],
            "seconds": trial.seconds,
        }
        for trial in search.trials
    ]
    seen = [row for row in rows if row["value"] is not None]
    x = alt.X("number:Q", title="trial", axis=alt.Axis(tickMinStep=1, format="d"), scale=alt.Scale(nice=False))
    words = list(_STATES.values())
    dots = (
        chart(seen)
        .mark_point(filled=True, size=70, opacity=1)
        .encode(
            x=x,
            y=value_y("value", "objective", ".4~f"),
            color=alt.Color("state:N", title=None, legend=alt.Legend(orient="top"), scale=alt.Scale(domain=words, range=[BLUE, AMBER, VERMILION])),
            shape=alt.Shape("state:N", legend=None, scale=alt.Scale(domain=words, range=["circle", "diamond", "triangle-up"])),
            tooltip=[
                alt.Tooltip("number:Q", title="trial"),
                alt.Tooltip("value:Q", title="objective", format=".5f"),
                alt.Tooltip("best:Q", title="best so far", format=".5f"),
                alt.Tooltip("state:N"),
                alt.Tooltip("seconds:Q", format=".1f"),
            ],
        )
    )  # fmt: skip
    best = (
        chart([row for row in rows if row["best"] is not None])
        .mark_line(interpolate="step-after", color=BLUE, size=2)
        .encode(x=x, y="best:Q")
    )
    layers = [best, dots]
    if search.champion_value is not None:
        line = chart([{"value": search.champion_value}]).mark_rule(strokeDash=[5, 4], color=GREY, size=1.5)
        layers.insert(0, line.encode(y="value:Q"))
    found = search.best
    said = f"the best, number {found.number}, has {found.value:.6g}" if found else "none is complete"
    text = f"{len(rows)} trials of a search; {said}."
    made: alt.LayerChart = described(alt.layer(*layers), text, 260)
    return made


def parameter_importance(importance: Mapping[str, float]) -> alt.Chart:
    """Share of what the objective varies by, parameter by parameter."""
    rows = [{"name": name.replace("_", " "), "share": share} for name, share in importance.items()]
    bars = chart(rows).mark_bar(color=BLUE, cornerRadius=2).encode(
        x=alt.X("share:Q", title="share of what the objective varies by", axis=alt.Axis(format=".0%", tickCount=5)),
        y=alt.Y("name:N", title=None, sort=[str(row["name"]) for row in rows], axis=alt.Axis(labelLimit=180)),
        tooltip=[alt.Tooltip("name:N"), alt.Tooltip("share:Q", format=".1%")],
    )  # fmt: skip
    first = rows[0]["name"] if rows else "nothing"
    made: alt.Chart = described(bars, f"{len(rows)} parameters; {first} matters most.", 260)
    return made
