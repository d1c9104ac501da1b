"""Every chart: valid, described, not too heavy, and true to what it was given."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from loop_core import charts
from loop_core.charts.performance import Span
from loop_core.monitor.intake import LabelAge
from tests.charts import made

SPAN: Span = (made.START, made.START + 12 * made.WEEK)
BINS = [
    {"bin": f"{i}–{i + 1}", "order": i, "window": window, "share": 0.1, "n": 10}
    for i in range(5)
    for window in ("reference", "current")
]
EVENTS = [
    {"when": made.START + timedelta(days=i), "day": "x", "lane": lane, "what": "x"}
    for i, lane in enumerate(("release", "trigger", "rollback"))
]
AGES = [LabelAge(weeks, 100, min(1.0, weeks / 8)) for weeks in range(12)]

#: Name → chart of ordinary results.
CHARTS: dict[str, Callable[[], Any]] = {
    "heatmap": lambda: charts.drift_heatmap(made.drift()),
    "drift line": lambda: charts.drift_line([s for s in made.drift() if s.feature == "f2"]),
    "distributions": lambda: charts.distributions(BINS, "price", numeric=True),
    "performance": lambda: charts.performance_chart(made.performance()),
    "drift strip": lambda: charts.drift_strip(made.drift(), SPAN),
    "ratings": lambda: charts.rating_trend(made.ratings(values=("SP", "RJ"))),
    "low ratings": lambda: charts.low_share(made.ratings()),
    "volume": lambda: charts.volume(made.health()),
    "latency": lambda: charts.latency(made.health(), 150.0),
    "completeness": lambda: charts.completeness(AGES, 60),
    "forest": lambda: charts.forest(made.CELLS),
    "timeline": lambda: charts.timeline(EVENTS, SPAN),
}


def specification(chart: Any) -> dict[str, Any]:
    """The Vega-Lite text of a chart, which Altair validates against the schema."""
    read: dict[str, Any] = json.loads(chart.to_json())
    return read


def layers(spec: dict[str, Any]) -> Iterator[dict[str, Any]]:
    inner = spec.get("layer", [])
    if not inner:
        yield spec
    for layer in inner:
        yield from layers({"data": spec.get("data"), **layer})


def rows_of(spec: dict[str, Any], layer: dict[str, Any]) -> list[dict[str, Any]]:
    data = layer.get("data") or spec.get("data") or {}
    rows: list[dict[str, Any]] = spec["datasets"][data["name"]] if "name" in data else data.get("values", [])
    return rows


def marks(chart: Any) -> int:
    spec = specification(chart)
    return sum(len(rows_of(spec, layer)) for layer in layers(spec))


@pytest.mark.parametrize("name", CHARTS)
def test_is_valid_described_and_light(name: str) -> None:
    chart = CHARTS[name]()
    assert len(specification(chart)["description"]) > 20
    assert 0 < marks(chart) <= charts.MAX_MARKS


def test_a_full_page_of_drift_stays_light() -> None:
    assert marks(charts.drift_heatmap(made.drift(features=60, weeks=26))) <= charts.MAX_MARKS


def test_the_worst_feature_is_on_top() -> None:
    assert charts.worst_first(made.drift(features=4))[0] == "f3"
    spec = specification(charts.drift_heatmap(made.drift(features=4)))
    assert next(layers(spec))["encoding"]["y"]["sort"][0] == "f3"


def test_the_description_names_what_drifted() -> None:
    assert "f2" in specification(charts.drift_heatmap(made.drift()))["description"]


def test_a_cell_click_gives_feature_and_window() -> None:
    selection = specification(charts.drift_heatmap(made.drift()))["params"][0]
    assert selection["name"] == "cell"
    assert selection["select"]["fields"] == ["feature", "window"]


def test_pending_windows_are_shaded_not_drawn() -> None:
    spec = specification(charts.performance_chart(made.performance(weeks=6, pending=2)))
    drawn = {layer["mark"]["type"]: rows_of(spec, layer) for layer in layers(spec)}
    assert len(drawn["rect"]) == 2
    assert all(row["value"] is None for row in drawn["rect"])
    assert len(drawn["line"]) == 4


def test_performance_without_any_mature_window_still_draws() -> None:
    assert marks(charts.performance_chart(made.performance(weeks=3, pending=3))) > 0


def test_the_most_harmed_comes_right_after_everybody() -> None:
    assert [charts.who(c) for c in charts.by_harm(made.CELLS)][:2] == ["everybody", "state RJ"]


def test_the_forest_leaves_out_what_cannot_be_estimated_and_keeps_zero() -> None:
    spec = specification(charts.forest(made.CELLS))
    named = [row["who"] for layer in layers(spec) for row in rows_of(spec, layer) if "who" in row]
    assert named
    assert not any("AC" in who for who in named)
    assert any(row.get("zero") == 0 for layer in layers(spec) for row in rows_of(spec, layer))


def test_latency_is_left_out_where_predictions_carry_none() -> None:
    spec = specification(charts.latency(made.health(latency=None)))
    assert all(rows_of(spec, layer) == [] for layer in layers(spec))


def test_instants_go_out_with_their_zone() -> None:
    spec = specification(charts.volume(made.health()))
    assert rows_of(spec, next(layers(spec)))[0]["start"].endswith("+00:00")
