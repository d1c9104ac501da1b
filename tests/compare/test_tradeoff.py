"""What models give and cost, and which of them nothing beats."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from loop_core.charts.specification import specification
from loop_core.charts.tradeoff import COSTS, drawn, tradeoff_chart
from loop_core.compare import compare, load_scorecard
from loop_core.compare.timing import LOGGED, MEASURED
from loop_core.compare.tradeoff import Candidate, judged, named_and_newest, tradeoff
from loop_core.compare.tradeoffs import latest_tradeoff, save_tradeoff
from loop_core.errors import UnknownNameError
from loop_core.models import ModelStore
from loop_core.release import first_release
from loop_core.workspace import Loop
from tests.compare.packages import trained
from tests.compare.rivals_world import challenged
from tests.conftest import START as LONG_AGO
from tests.monitor.world import DAYS
from tests.retrain.synthetic import END, START, parcels, rows


def one(version: str, value: float | None = 0.5, latency: float | None = 1.0, **more) -> Candidate:
    fields = {
        "gap": None, "latency_p50_ms": latency, "latency_p95_ms": latency, "latency_from": MEASURED if latency else "",
        "model_bytes": 100, "training_seconds": None, "kind": "lightgbm",
    }  # fmt: skip
    return Candidate(version, value=value, **{**fields, **more})


def beaten(*candidates: Candidate, more_is_better: bool = False) -> dict[str, tuple[str, ...]]:
    return {c.version: c.dominated_by for c in judged(candidates, more_is_better)}


def test_no_worse_on_every_axis_and_better_on_one_beats():
    assert beaten(one("a", 0.4), one("b", 0.5)) == {"a": (), "b": ("a",)}
    assert beaten(one("a", 0.4, 2.0), one("b", 0.5, 1.0)) == {"a": (), "b": ()}
    assert beaten(one("a"), one("b")) == {"a": (), "b": ()}
    assert beaten(one("a", 0.9), one("b", 0.8), more_is_better=True) == {"a": (), "b": ("a",)}
    assert beaten(one("a", model_bytes=99), one("b"), one("c", 0.6)) == {"a": (), "b": ("a",), "c": ("a", "b")}


def test_what_is_not_known_neither_beats_nor_is_beaten():
    unknown = one("b", 0.9, None)
    assert beaten(one("a", 0.1), unknown) == {"a": (), "b": ()}
    assert judged([one("a", 0.1), unknown], False)[1].unknown == ("measured",)
    # Of nobody is anything known about training and fairness: these axes do not count.
    assert judged([one("a", 0.1), one("b")], False)[1].unknown == ()
    assert beaten(one("a", 0.1, gap=0.1), one("b")) == {"a": (), "b": ()}


def test_a_clock_s_noise_and_another_clock_decide_nothing():
    assert beaten(one("a", 0.5, 1.0), one("b", 0.5, 1.08)) == {"a": (), "b": ()}
    assert beaten(one("a", 0.4, 1.08), one("b", 0.5, 1.0)) == {"a": (), "b": ("a",)}
    assert beaten(one("a", 0.4, 1.0), one("b", 0.5, 50.0, latency_from=LOGGED)) == {"a": (), "b": ()}


@pytest.fixture
def loop(workspace) -> Loop:
    """`parcels`, with a small and a large model of the same rows, which leave the last 60 days to compare on."""
    found = parcels(workspace)
    frame = rows(3000)
    seen = {"train_start": START, "train_end": START + timedelta(days=180)}
    young = frame.filter(frame["predicted_at"] < seen["train_end"])
    small = trained(found, young, params={"num_leaves": 4}, **seen)
    trained(found, young, params={"num_leaves": 31, "min_data_in_leaf": 2}, **seen)
    first_release(found, small, actor="ana", as_of=END)
    return found


def test_packages_are_measured_on_the_same_rows(loop):
    found = tradeoff(loop, END + timedelta(days=30), rows=40)
    small, large = found.candidates
    assert (found.champion, found.metric, found.more_is_better, found.timed_rows) == (
        small.version,
        "log_loss",
        False,
        40,
    )
    assert found.n > 200
    assert small.value < large.value  # thirty-one leaves of two rows have learnt the noise
    assert small.model_bytes == sum(map(len, ModelStore(loop.workspace).contents(small.version).values()))
    assert small.model_bytes < large.model_bytes
    for each in found.candidates:
        assert 0 < each.latency_p50_ms <= each.latency_p95_ms
        assert (each.latency_from, each.training_seconds, each.gap) == (MEASURED, None, None)
    again = tradeoff(loop, END + timedelta(days=30), rows=0)
    assert [c.value for c in again.candidates] == [c.value for c in found.candidates]
    assert {c.latency_from for c in again.candidates} == {""}
    assert again.candidates[1].dominated_by == (small.version,)


def test_a_model_that_has_seen_everything_has_no_value_and_the_others_keep_theirs(loop):
    frame = rows(3000)
    fresh = trained(loop, frame, train_start=START, train_end=END + timedelta(days=29))
    found = tradeoff(loop, END + timedelta(days=30), rows=0)
    values = {c.version: c.value for c in found.candidates}
    assert values[fresh] is None
    assert sum(value is not None for value in values.values()) == 2
    assert found.notes[0].startswith(f"{fresh} has no value: No prediction was made from 2024-09-26 on")
    assert [c.unknown for c in found.candidates if c.version == fresh] == [("value",)]


def test_the_widest_gap_of_protected_cohorts(loop):
    text = (
        loop.entries("charter.changed")[-1].payload["text"].replace("min_rows = 30", "min_rows = 30\nprotected = true")
    )
    fair = loop.workspace.set_charter(text, actor="ana", reason="fairness", as_of=END)
    gaps = [c.gap for c in tradeoff(fair, END + timedelta(days=30), rows=0).candidates]
    assert all(gap is not None and 0 <= gap <= 1 for gap in gaps)


def test_external_models_have_what_the_log_says(workspace):
    world = challenged(workspace.loop("orders"), {"best": 0.05})
    found = tradeoff(world, LONG_AGO + timedelta(days=DAYS + 61))
    old, best = found.candidates
    assert (old.version, old.kind, old.latency_from) == ("old", "external", LOGGED)
    assert 30 < old.latency_p50_ms < 45 < old.latency_p95_ms
    assert (best.latency_p50_ms, best.latency_from, best.model_bytes) == (None, "", None)
    assert best.value < old.value
    assert found.front == ("old", "best")
    assert best.unknown == ("logged",)


@pytest.fixture
def workspace(request, templates, tmp_path):
    """With the loop `orders`, which these tests fill or leave alone."""
    import shutil

    from loop_core.workspace import Workspace

    shutil.copytree(templates / "loop", tmp_path / "w")
    with Workspace.open(tmp_path / "w") as opened:
        yield opened


def test_it_is_kept_apart_from_scorecards_and_ledger(loop):
    as_of = END + timedelta(days=30)
    large = next(v for v in named_and_newest(loop, as_of) if v != loop.champion(as_of))
    card = compare(loop, large, as_of=as_of, actor="ana")
    before = loop.ledger.length()
    assert latest_tradeoff(loop, as_of) is None
    found = tradeoff(loop, as_of, rows=20)
    save_tradeoff(loop, found)
    assert latest_tradeoff(loop, as_of) == found
    assert latest_tradeoff(loop, as_of - timedelta(days=1)) is None
    save_tradeoff(loop, replace(found, as_of=as_of + timedelta(days=1)))
    assert latest_tradeoff(loop, as_of) == found
    assert loop.ledger.length() == before
    assert load_scorecard(loop, card.id) == card
    assert compare(loop, large, as_of=as_of, record=False).id == card.id
    # A file that somebody broke is as good as none.
    for path in (loop.workspace.reports / loop.name / "tradeoffs").glob("*.json"):
        path.write_text("{")
    assert latest_tradeoff(loop, as_of) is None


def test_the_chart_tells_by_shape_what_stands(loop):
    found = tradeoff(loop, END + timedelta(days=30), rows=20)
    for cost in ("latency", "size"):
        spec = specification(tradeoff_chart(found, cost))
        assert len(drawn(found, cost)) == 2
        assert spec["layer"][0]["encoding"]["shape"]["scale"]["range"] == ["circle", "cross"]
    assert drawn(found, "training") == []
    assert set(COSTS) == {"latency", "size", "training", "fairness gap"}


def test_a_version_that_is_not_registered_is_refused(loop):
    with pytest.raises(UnknownNameError, match="nobody"):
        tradeoff(loop, END, ["nobody"])
