"""What trigger policies would have done: their loss week by week, and when each would have retrained."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import altair as alt

from loop_core.charts.palette import AMBER, BLUE, GREY, VERMILION, chart, day, described, time_x

if TYPE_CHECKING:
    from loop_core.policies import PolicyReplay, PolicyRun, WindowValue

#: In the order of `PolicyReplay.shown`; what was tried comes first.
COLOURS = (BLUE, "#0E9C77", "#B65F9B", "#7A6FD0", AMBER, VERMILION)
#: Room on the left of both charts, so that they line up: the names of policies are long.
EXTENT = 92
#: Told apart in print, too.
DASHES = ((1, 0), (6, 2), (2, 2), (8, 3, 2, 3), (4, 4), (10, 2))


def policy_losses(
    found: PolicyReplay, *, over: str | None = None, runs: Sequence[PolicyRun] | None = None
) -> alt.Chart:
    """The metric in each step, a line for each policy.

    Args:
        found: the replay.
        over: name of a policy that the others are shown against, as the difference of the metric over all rows so far;
            the last point is that of the whole span. None: each step's own value.
        runs: which policies; None: those worth a line.
    """
    chosen = list(runs or found.shown)
    rows = [row for run in chosen for row in _rows(run, _shown(run, found, over))]
    title = found.metric.replace("_", " ") if over is None else f"against {over}, so far"
    lines = (
        chart(rows)
        .mark_line(size=2, point=alt.OverlayMarkDef(size=18, filled=True))
        .encode(
            x=time_x("start", (found.start, found.end)),
            y=_value_y(title, ".3f" if over is None else "+.4f"),
            color=_coloured(chosen),
            strokeDash=alt.StrokeDash("policy:N", legend=None, scale=_scale(chosen, DASHES)),
            tooltip=[
                alt.Tooltip("policy:N"),
                alt.Tooltip("week:N", title="step"),
                alt.Tooltip("value:Q", title=title, format=".4f"),
                alt.Tooltip("n:Q", title="rows", format=","),
            ],
        )
    )
    made: alt.Chart = described(lines, f"{title} of {len(chosen)} policies in {len(found.runs[0].windows)} steps.", 260)
    return made


def policy_retrains(found: PolicyReplay, *, runs: Sequence[PolicyRun] | None = None) -> alt.Chart:
    """When each policy would have retrained: a lane each, on the axis of `policy_losses`."""
    chosen = list(runs or found.shown)
    rows = [
        {"policy": run.name, "when": one.as_of, "day": day(one.as_of), "why": ", ".join(one.fired), "n": one.n_rows}
        for run in chosen
        for one in run.retrains
    ]
    axis = alt.Axis(
        ticks=False, domain=False, labelPadding=6, minExtent=EXTENT, maxExtent=EXTENT, grid=True, gridOpacity=0.4,
        titlePadding=6,
    )  # fmt: skip
    marks = (
        chart(rows)
        .mark_point(shape="triangle-up", filled=True, size=70, opacity=0.9, stroke=GREY, strokeWidth=0.4)
        .encode(
            x=time_x("when", (found.start, found.end), labels=False),
            y=alt.Y(
                "policy:N", title="retrains", sort=None, scale=alt.Scale(domain=[run.name for run in chosen]), axis=axis
            ),
            color=alt.Color("policy:N", legend=None, scale=_scale(chosen, COLOURS)),
            tooltip=[
                alt.Tooltip("policy:N"),
                alt.Tooltip("day:N", title="retrain"),
                alt.Tooltip("why:N", title="because of"),
                alt.Tooltip("n:Q", title="rows learned from", format=","),
            ],
        )
    )
    counts = ", ".join(f"{run.name} {len(run.retrains)}" for run in chosen)
    made: alt.Chart = described(marks, f"Retrains: {counts}.", 24 * len(chosen) + 20)
    return made


def _rows(run: PolicyRun, values: Sequence[float | None]) -> list[dict[str, Any]]:
    return [
        {
            "policy": run.name,
            "start": window.window_start,
            "week": f"{day(window.window_start)} – {day(window.window_end)}",
            "value": value,
            "n": window.n,
        }
        for window, value in zip(run.windows, values, strict=True)
    ]


def _shown(run: PolicyRun, found: PolicyReplay, over: str | None) -> list[float | None]:
    """A value for each step; None where no label has matured."""
    if over is None:
        return [window.value for window in run.windows]
    own, usual = (_so_far(windows, found.metric) for windows in (run.windows, found.run(over).windows))
    return [None if a is None or b is None else a - b for a, b in zip(own, usual, strict=True)]


def _so_far(windows: Sequence[WindowValue], metric: str) -> list[float | None]:
    """The metric over the rows of each step and of all before it; None where the step has none."""
    # Roots do not add up over rows; what they are taken of does.
    power = 2 if metric == "rmse" else 1
    total, n, found = 0.0, 0, list[float | None]()
    for window in windows:
        if window.value is not None:
            total, n = total + window.value**power * window.n, n + window.n
        found.append(None if window.value is None else (total / n) ** (1 / power))
    return found


_LEGEND = alt.Legend(orient="top", title=None, symbolType="stroke", symbolStrokeWidth=3, symbolSize=200)


def _value_y(title: str, format: str) -> alt.Y:
    axis = alt.Axis(format=format, minExtent=EXTENT, maxExtent=EXTENT, tickCount=5, gridOpacity=0.5, titlePadding=6)
    return alt.Y("value:Q", title=title, scale=alt.Scale(zero=False, nice=True), axis=axis)


def _coloured(runs: Sequence[PolicyRun]) -> alt.Color:
    return alt.Color("policy:N", legend=_LEGEND, scale=_scale(runs, COLOURS))


def _scale(runs: Sequence[PolicyRun], values: Sequence[Any]) -> alt.Scale:
    return alt.Scale(domain=[run.name for run in runs], range=[values[k % len(values)] for k in range(len(runs))])
