"""Every chart: valid, described, not too heavy, and true to what it was given."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from loop_core import charts
from loop_core.charts.performance import Span
from loop_core.charts.signals import POINTS, thinned
from loop_core.compare.scale import Scaled
from loop_core.vocabulary import State
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
IMPORTANCE = {"f0": 0.7, "f1": 0.2, "f2": 0.1}
BESIDE = charts.Beside(
    made.estimated(), made.performance(6, 2), [(made.START + 2 * made.WEEK, "b" * 16)], selected="2018-01-08"
)

#: Name → chart of ordinary results.
CHARTS: dict[str, Callable[[], Any]] = {
    "heatmap": lambda: charts.drift_heatmap(made.drift(), None, IMPORTANCE, ("f1", "2018-01-08")),
    "drift line": lambda: charts.drift_line([s for s in made.drift() if s.feature == "f2"], "2018-01-08"),
    "distributions": lambda: charts.distributions(BINS, "price", numeric=True),
    "drift by cohort": lambda: charts.cohort_drift(made.by_region()),
    "policy losses": lambda: charts.policy_losses(made.policies()),
    "policies against never": lambda: charts.policy_losses(made.policies(), over="never"),
    "policy retrains": lambda: charts.policy_retrains(made.policies()),
    "quadrant": lambda: charts.quadrant(made.drift(weeks=1), IMPORTANCE, "f1"),
    "separating": lambda: charts.separating([("price", 0.2), ("freight", 0.7)]),
    "performance": lambda: charts.performance_chart(made.performance(), None, BESIDE),
    "matrix": lambda: charts.cohort_matrix(*made.cohort_points()),
    "reliability": lambda: charts.reliability_chart([made.curve("SP"), made.curve("RJ")]),
    "calibration over time": lambda: charts.calibration_trend([made.curve(week=w) for w in range(4)]),
    "boundary": lambda: charts.boundary_chart(made.bands()),
    "drift strip": lambda: charts.drift_strip(made.drift(), SPAN),
    "rating strip": lambda: charts.rating_strip(made.health(), SPAN),
    "latency strip": lambda: charts.latency_strip(made.health(), SPAN, 150.0),
    "error strip": lambda: charts.error_strip(made.health(), SPAN, 0.02),
    "confidence strip": lambda: charts.confidence_strip(made.health(), SPAN),
    "ratings": lambda: charts.rating_trend(made.ratings(values=("SP", "RJ"))),
    "low ratings": lambda: charts.low_share(made.ratings()),
    "volume": lambda: charts.volume(made.health()),
    "completeness": lambda: charts.completeness_curve(made.completeness(("SP", "RJ")), 60, 0.99),
    "gates": lambda: charts.gate_results(made.batches()),
    "forest": lambda: charts.forest(made.CELLS),
    "timeline": lambda: charts.timeline(EVENTS, SPAN),
    "trials": lambda: charts.trial_history(made.search()),
    "parameters": lambda: charts.parameter_importance({"num_leaves": 0.7, "learning_rate": 0.3}),
}
#: The same of nothing at all, or of nothing that can be judged.
NOTHING: dict[str, Callable[[], Any]] = {
    "heatmap": lambda: charts.drift_heatmap([]),
    "drift line": lambda: charts.drift_line([s for s in made.drift() if s.state is State.TOO_FEW]),
    "distributions": lambda: charts.distributions([], "price", numeric=True),
    "drift by cohort": lambda: charts.cohort_drift([]),
    "quadrant": lambda: charts.quadrant([], {}),
    "separating": lambda: charts.separating([]),
    "performance": lambda: charts.performance_chart(made.performance(3, 3)),
    "only estimates": lambda: charts.performance_chart([], None, charts.Beside(made.estimated())),
    "matrix": lambda: charts.cohort_matrix(made.cohort_points()[0][3:], []),
    "reliability": lambda: charts.reliability_chart([made.curve(bins=0)]),
    "calibration over time": lambda: charts.calibration_trend([made.curve(bins=0)]),
    "boundary": lambda: charts.boundary_chart(made.bands(labelled=False)),
    "drift strip": lambda: charts.drift_strip([], SPAN),
    "rating strip": lambda: charts.rating_strip([], SPAN),
    "latency strip": lambda: charts.latency_strip(made.health(latency=None), SPAN, 150.0),
    "completeness": lambda: charts.completeness_curve([], 60, 0.99),
    "gates": lambda: charts.gate_results([]),
    "trials": lambda: charts.trial_history(made.search(states=())),
    "parameters": lambda: charts.parameter_importance({}),
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
    rows: list[dict[str, Any]] = json.loads(data.get("values", "[]"))
    return rows


def marks(chart: Any) -> int:
    spec = specification(chart)
    return sum(len(rows_of(spec, layer)) for layer in layers(spec))


@pytest.mark.parametrize("name", CHARTS)
def test_is_valid_described_and_light(name: str) -> None:
    chart = CHARTS[name]()
    assert len(specification(chart)["description"]) > 20
    assert 0 < marks(chart) <= charts.MAX_MARKS


@pytest.mark.parametrize("name", NOTHING)
def test_of_nothing_it_is_still_a_chart(name: str) -> None:
    assert len(specification(NOTHING[name]())["description"]) > 20


def test_a_full_page_of_drift_stays_light() -> None:
    silent = [replace(s, state=State.TOO_FEW) for s in made.drift(features=120, weeks=52)]
    assert charts.MAX_MARKS - 110 < marks(charts.drift_heatmap(silent)) <= charts.MAX_MARKS
    assert marks(charts.drift_heatmap(made.drift(features=30, weeks=20))) >= 30 * 20


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


def test_importance_decides_which_drift_comes_first() -> None:
    scores = [replace(s, value=0.5, state=State.ALARM) for s in made.drift() if s.feature != "f0"]
    assert charts.worst_first(scores)[0] == "f1", "equal drift: by name"
    assert charts.worst_first(scores, {"f1": 0.01, "f2": 0.9})[0] == "f2"
    spec = specification(charts.drift_heatmap(scores, None, {"f1": 0.01, "f2": 0.9}))
    assert rows_of(spec, next(layers(spec)))[-1]["row"] == "f2 · 90%"


def test_drifted_features_stand_above_important_quiet_ones() -> None:
    assert charts.worst_first(made.drift(), {"f0": 0.9, "f1": 0.09, "f2": 0.01})[0] == "f2"


def test_the_group_that_moved_most_is_on_top() -> None:
    spec = specification(charts.cohort_drift(made.by_region()))
    assert next(layers(spec))["encoding"]["y"]["sort"][0].startswith("west")
    assert "west" in spec["description"]


def test_the_quadrant_names_what_drifted_and_matters() -> None:
    assert "f2" in specification(charts.quadrant(made.drift(weeks=1), {"f0": 0.1, "f2": 0.9}))["description"]
    assert "none" in specification(charts.quadrant(made.drift(weeks=1), {"f0": 0.9, "f2": 0.1}))["description"]


def test_pending_windows_are_hatched_and_filled_as_far_as_labels_came() -> None:
    spec = specification(charts.performance_chart(made.performance(weeks=6, pending=2)))
    waiting = [layer for layer in layers(spec) if layer["mark"]["type"] == "rect"]
    assert [len(rows_of(spec, layer)) for layer in waiting] == [2, 2]
    assert waiting[0]["mark"]["color"]["gradient"] == "linear"
    assert waiting[1]["encoding"]["y2"]["field"] == "mature_share"
    drawn = {layer["mark"]["type"]: rows_of(spec, layer) for layer in layers(spec) if layer["mark"]["type"] == "line"}
    assert len(drawn["line"]) == 4, "a pending window has no value, not even a provisional one"


def test_estimates_are_hollow_and_on_the_axis_of_the_realised_metric() -> None:
    spec = specification(charts.performance_chart(made.performance(), None, charts.Beside(made.estimated())))
    by_line = {
        rows[0].get("line"): layer
        for layer in layers(spec)
        if layer["mark"]["type"] == "point" and (rows := rows_of(spec, layer))
    }
    assert by_line["estimated"]["mark"]["filled"] is False
    assert by_line["realised"]["mark"]["filled"] is True
    assert {by_line[line]["encoding"]["y"]["field"] for line in by_line} == {"value"}


def test_releases_outside_the_axis_are_left_out() -> None:
    releases = [(made.START - made.WEEK, "a" * 16), (made.START + made.WEEK, "b" * 16)]
    spec = specification(charts.performance_chart(made.performance(), SPAN, charts.Beside(releases=releases)))
    assert "bbbbbbbbbb" in json.dumps(spec)
    assert not any(row.get("day") == "25 Dec 2017" for layer in layers(spec) for row in rows_of(spec, layer))


def test_charts_above_each_other_share_their_time_axis() -> None:
    stacked = [
        charts.drift_strip(made.drift(), SPAN),
        charts.performance_chart(made.performance(), SPAN, BESIDE),
        charts.rating_strip(made.health(), SPAN),
        charts.latency_strip(made.health(), SPAN),
    ]
    domains = [
        json.dumps(layer["encoding"]["x"]["scale"]["domain"])
        for chart in stacked
        for layer in layers(specification(chart))
        if layer["encoding"].get("x", {}).get("type") == "temporal"
    ]
    assert len(set(domains)) == 1
    extents = {
        layer["encoding"]["y"]["axis"]["minExtent"]
        for chart in stacked
        for layer in layers(specification(chart))
        if layer["encoding"].get("y", {}).get("axis")
    }
    assert len(extents) == 1


def test_the_matrix_puts_harm_on_top_and_greys_small_groups() -> None:
    spec = specification(charts.cohort_matrix(*made.cohort_points()))
    rows = {row["who"].split(" ")[0]: row for row in rows_of(spec, next(layers(spec)))}
    assert next(layers(spec))["encoding"]["y"]["sort"][0].startswith("RJ")
    assert rows["RJ"]["shown"].startswith("▲")
    assert rows["SP"]["shown"].startswith("●")
    assert [rows[who]["small"] for who in ("RJ", "SP", "AC", "MG")] == [0, 0, 1, 1]
    assert rows["MG"]["compared"] == "○ labels still arriving"


def test_the_matrix_knows_which_way_is_good() -> None:
    spec = specification(charts.cohort_matrix(*made.cohort_points("auc")))
    rows = {row["who"].split(" ")[0]: row for row in rows_of(spec, next(layers(spec)))}
    assert next(layers(spec))["encoding"]["y"]["sort"][0].startswith("SP")
    assert rows["RJ"]["shown"].startswith("●")


def test_a_long_curve_is_thinned_and_keeps_its_ends() -> None:
    kept = thinned(made.completeness(("SP", "RJ"), days=1000))
    assert len(kept) <= 2 * (POINTS + 1)
    assert [p.age_days for p in (kept[0], kept[-1])] == [0.0, 999.0]


def test_gate_results_count_every_row_once() -> None:
    spec = specification(charts.gate_results(made.batches(3)))
    assert sum(row["rows"] for row in rows_of(spec, next(layers(spec)))) == 300


def test_the_most_harmed_comes_right_after_everybody() -> None:
    assert [c.who for c in charts.by_harm(made.CELLS)] == ["everybody", "state RJ", "state SP", "state AC"]
    assert [c.who for c in charts.by_harm(made.CELLS, lambda c: -(c.difference or 0))][1:3] == ["state SP", "state AC"]


def test_groups_that_decide_nothing_stand_last_and_say_so() -> None:
    cells = [replace(c, block="signal" if c.cohort_value == "RJ" else "goal") for c in made.CELLS]
    order = charts.by_harm(cells)
    assert [c.who for c in order] == ["everybody", "state SP", "state AC", "state RJ"]
    assert "state RJ (shown only)" in json.dumps(specification(charts.forest(order)))
    assert "shown only" not in json.dumps(specification(charts.forest([replace(c, block="signal") for c in order])))


def test_in_the_forest_what_cannot_be_estimated_has_a_line_and_no_bar() -> None:
    spec = specification(charts.forest(made.CELLS, charts.Look(selected="state RJ")))
    drawn = [[row["who"] for row in rows_of(spec, layer) if "who" in row] for layer in layers(spec)]
    assert ["state RJ"] in drawn
    assert sum("state AC" in names for names in drawn) == 3, "its number of rows, its verdict, and where it is clicked"
    assert any(row.get("zero") == 0 for layer in layers(spec) for row in rows_of(spec, layer))


def test_the_forest_tells_other_scales() -> None:
    ends = [Scaled(k, k - 1.0, k + 1.0, 2.0) for k in (1.0, 2.0, 3.0)] + [Scaled(None, None, None, None)]
    spec = specification(charts.forest(made.CELLS, charts.Look("weekly", "right answers a week"), ends))
    said = [row for layer in layers(spec) for row in rows_of(spec, layer) if row.get("who") == "state SP"]
    assert {(row["difference"], row["ci_low"], row["margin"]) for row in said} == {(1.0, 0.0, -2.0)}
    assert "right answers a week" in json.dumps(spec)


def test_instants_go_out_with_their_zone() -> None:
    spec = specification(charts.volume(made.health()))
    assert rows_of(spec, next(layers(spec)))[0]["start"].endswith("+00:00")


def test_policies_are_summed_up_against_another_row_by_row() -> None:
    found = made.policies()
    rows = _rows_of(charts.policy_losses(found, over="never"))
    tried = [row["value"] for row in rows if row["policy"] == "tried"]
    assert tried[:-1] == pytest.approx([0.01] * 5)
    assert tried[-1] is None
    assert {row["policy"] for row in rows} == {"tried", "every 4 weeks", "every_week", "never"}


def _rows_of(chart: Any) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = charts.specification(chart)["data"]["values"]
    return rows
