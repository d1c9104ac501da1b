"""Colours, axes and captions that every chart shares. Blue, amber and vermilion: told apart by every kind of sight.

The hues are from Okabe & Ito, "Color Universal Design" (2008), lightened until they hold 3:1 against both a white and a
near-black ground, so that one chart serves light and dark pages.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import altair as alt

from loop_core.vocabulary import State, Verdict

#: At most this many marks go to a browser; whoever draws aggregates first.
MAX_MARKS = 5_000

BLUE, AMBER, VERMILION, GREY = "#2F86C6", "#D9920A", "#D9571E", "#8A939E"
#: Model versions, in order of first appearance.
VERSIONS = (BLUE, "#0E9C77", "#B65F9B", "#7A6FD0", AMBER, GREY)
#: Reference and current window.
REFERENCE, CURRENT = GREY, VERMILION

STATES: Mapping[str, str] = {
    State.OK: BLUE,
    State.WATCH: AMBER,
    State.ALARM: VERMILION,
    State.PENDING: GREY,
    State.TOO_FEW: GREY,
    State.NOT_APPLICABLE: GREY,
}
VERDICTS: Mapping[str, str] = {
    Verdict.BETTER: BLUE,
    Verdict.NOT_WORSE: BLUE,
    Verdict.WORSE: VERMILION,
    Verdict.INCONCLUSIVE: GREY,
    Verdict.NOT_APPLICABLE: GREY,
}
#: Vega's names for the shapes of `vocabulary.MARKS`.
SHAPES: Mapping[str, str] = {
    State.OK: "circle",
    State.WATCH: "diamond",
    State.ALARM: "triangle-up",
    State.PENDING: "circle",
    State.TOO_FEW: "circle",
    Verdict.BETTER: "circle",
    Verdict.NOT_WORSE: "circle",
    Verdict.WORSE: "triangle-up",
    Verdict.INCONCLUSIVE: "circle",
    Verdict.NOT_APPLICABLE: "stroke",
}

#: Diagonal stripes: labels that are not there yet.
HATCH = alt.Gradient(  # type: ignore[no-untyped-call]
    gradient="linear",
    x1=0,
    y1=0,
    x2=1,
    y2=1,
    stops=[
        alt.GradientStop(color=GREY if stripe % 2 else "transparent", offset=(stripe + edge) / 16)
        for stripe in range(16)
        for edge in (0.0, 0.999)
    ],
)

#: Charts one above the other line up when their y axes take the same room.
Y_EXTENT = 52


def chart(rows: Iterable[Mapping[str, Any]]) -> alt.Chart:
    """Rows → an empty chart over them; instants become ISO text in UTC."""
    values = [{key: _plain(value) for key, value in row.items()} for row in rows]
    # As JSON text, because Altair would check every row of a list against its schema, at each view, for seconds.
    data = alt.Data(values=json.dumps(values, ensure_ascii=False), format=alt.JsonDataFormat(type="json"))  # type: ignore[no-untyped-call]
    return alt.Chart(data)


def coloured(field: str, colours: Mapping[str, str], title: str | None = None, legend: bool = False) -> alt.Color:
    """Nominal colour by words of the vocabulary."""
    scale = alt.Scale(domain=list(map(str, colours)), range=list(colours.values()))
    return alt.Color(
        f"{field}:N", title=title, scale=scale, legend=alt.Legend(orient="top", title=title) if legend else None
    )


def shaped(field: str, words: Sequence[str]) -> alt.Shape:
    """The shape that goes with each word, so that colour is never alone."""
    return alt.Shape(
        f"{field}:N", legend=None, scale=alt.Scale(domain=list(words), range=[SHAPES[word] for word in words])
    )


def time_x(field: str, span: tuple[datetime, datetime] | None = None, labels: bool = True) -> alt.X:
    """Time on x, in UTC; `span` fixes the domain so that charts one above the other share it."""
    scale = alt.Scale(type="utc", domain=[_plain(end) for end in span]) if span else alt.Scale(type="utc")
    axis = alt.Axis(
        format="%-d %b %y", labels=labels, ticks=labels, grid=False, labelOverlap=True, tickCount=8, labelFlush=False
    )
    return alt.X(f"{field}:T", title=None, scale=scale, axis=axis)


def value_y(field: str, title: str, format: str = "", zero: bool = False) -> alt.Y:
    """A measured value on y, with the room on the left that every time chart leaves."""
    axis = alt.Axis(format=format, minExtent=Y_EXTENT, maxExtent=Y_EXTENT, tickCount=5, gridOpacity=0.5, titlePadding=6)
    return alt.Y(f"{field}:Q", title=title, scale=alt.Scale(zero=zero, nice=True), axis=axis)


def dashed(value: float, source: str, colour: str = VERMILION) -> alt.Chart:
    """A threshold as a dashed line; its tooltip says where it comes from."""
    rule = chart([{"value": value, "source": source}]).mark_rule(strokeDash=[5, 4], color=colour, size=1.5)
    made: alt.Chart = rule.encode(
        y="value:Q", tooltip=[alt.Tooltip("source:N", title="Threshold"), alt.Tooltip("value:Q", format=".4g")]
    )
    return made


def within(format: str, low: str = "ci_low", high: str = "ci_high") -> list[alt.Tooltip]:
    """The two lines of a tooltip that tell a 95 % interval."""
    return [
        alt.Tooltip(f"{low}:Q", title="95 % from", format=format),
        alt.Tooltip(f"{high}:Q", title="to", format=format),
    ]


def day(instant: datetime) -> str:
    """12 Feb 2018."""
    return f"{instant.day} {instant:%b %Y}"


def described(made: Any, text: str, height: int | None = None) -> Any:
    """The chart with its description, which screen readers read, and a height in pixels."""
    return made.properties(description=text, **({"height": height} if height else {}))


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, float) and value != value:
        return None
    return getattr(value, "value", value)
