"""Several challengers at once: one set of rows, a pinned baseline, and intervals that survive picking the best."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from loop_core.compare import compare
from loop_core.compare.rivals import compare_many, latest_comparisons, widening
from loop_core.errors import NotReadyError, RefusedError, UnknownNameError
from loop_core.models import register_external
from loop_core.monitor.units import Units
from loop_core.vocabulary import Verdict
from loop_core.workspace import Loop
from tests.compare.rivals_world import challenged
from tests.conftest import CHARTER, START
from tests.monitor.world import DAYS

LATER = START + timedelta(days=DAYS + 61)
METRICS = '\n[[metrics]]\nname = "auc"\nmargin = 0.01\nblock = "guardrail"\n'
NOISES = {"best": 0.05, "alike": 0.5, "poor": 1.2}


@pytest.fixture
def loop(workspace) -> Loop:
    loop = workspace.set_charter(CHARTER + METRICS, actor="ana", reason="first", as_of=START)
    return challenged(loop, NOISES)


def test_the_best_of_three_on_the_rows_they_share(loop):
    found = compare_many(loop, list(NOISES), as_of=LATER, actor="ana")
    assert (found.baseline, found.n, found.best, found.metric) == ("old", 8_000, "best", "log_loss")
    said = {(r.challenger, r.metric): r.verdict for r in found.rivals}
    assert said["best", "log_loss"] is said["best", "auc"] is Verdict.BETTER
    assert said["poor", "log_loss"] is Verdict.WORSE
    assert {s.challenger: s.badge for s in found.standings}["poor"] == "Do not ship"
    assert found.sentence.startswith("best is the best of 3 challengers and old on the same 8,000 rows: log loss 0.")
    assert latest_comparisons(loop, LATER) == found
    again = compare_many(loop, list(NOISES), as_of=LATER, actor="ana")
    assert again == found
    assert len(loop.entries("rivals.compared")) == 1


def test_the_intervals_are_those_of_two_and_wider(loop):
    found = compare_many(loop, list(NOISES), as_of=LATER)
    alone = {name: compare(loop, name, as_of=LATER, record=False) for name in NOISES}
    for rival in found.rivals:
        cell = alone[rival.challenger].overall(rival.metric)
        assert rival.difference == pytest.approx(cell.difference, abs=1e-12)
        assert rival.ci_low < cell.ci_low < cell.ci_high < rival.ci_high
    only = compare_many(loop, ["best"], as_of=LATER)
    assert only.rivals[0].ci_low == pytest.approx(alone["best"].overall("log_loss").ci_low, abs=1e-12)
    assert {"Bonferroni" in r.method for r in found.rivals if r.metric == "auc"} == {True}
    assert {"the largest of 3" in r.method for r in found.rivals if r.metric == "log_loss"} == {True}


def test_any_version_is_the_baseline(loop):
    found = compare_many(loop, ["best", "old"], against="poor", as_of=LATER)
    assert found.baseline == "poor"
    assert {r.verdict for r in found.rivals if r.metric == "log_loss"} == {Verdict.BETTER}


def test_common_rows_are_those_that_none_has_seen(loop):
    register_external(loop, "young", actor="ana", as_of=START, train_end=START + timedelta(days=100))
    loop.lake.write(
        lambda tx: tx.execute(
            f"insert into {loop.table('scores')} (prediction_id, model_version, score, scored_at)"
            f" select prediction_id, 'young', score, scored_at from {loop.table('scores')} where model_version = 'best'"
            " and prediction_id >= '06000'"
        ),
        actor="ana",
        message="young",
    )
    found = compare_many(loop, ["best", "young"], as_of=LATER)
    assert (found.n, found.window_start) == (2_000, START + timedelta(days=100))
    assert found.notes == ("2,000 labelled rows have no score of one of them and were left out.",)
    assert "young saw nothing from 2018-04-11 on" in found.proof
    best, young = (next(r for r in found.rivals if r.challenger == name) for name in ("best", "young"))
    assert best.difference == young.difference


@pytest.mark.parametrize(
    ("challengers", "error", "says"),
    [
        ([], RefusedError, "no challenger against old"),
        (["best", "best"], RefusedError, "none twice"),
        (["best", "old"], RefusedError, "none the baseline"),
        (["best", "nobody"], UnknownNameError, "nobody"),
    ],
)
def test_what_is_refused(loop, challengers, error, says):
    with pytest.raises(error, match=says):
        compare_many(loop, challengers, as_of=LATER)


def test_without_a_champion_a_baseline_must_be_named(workspace):
    loop = workspace.set_charter(CHARTER, actor="ana", reason="first", as_of=START)
    with pytest.raises(NotReadyError, match="no champion"):
        compare_many(loop, ["a"], as_of=LATER)


def test_the_widening_is_dunnett_s():
    """Independent: the 95 % point of the largest of k; all the same: that of one; shared baseline: between."""
    rng = np.random.default_rng(0)
    own, shared = rng.standard_normal((40_000, 5)), rng.standard_normal((40_000, 1))
    units = Units(None, 40_000)
    assert widening(own, units, 0) == pytest.approx(2.569, abs=0.03)
    assert widening(np.repeat(shared, 5, axis=1), units, 0) == pytest.approx(1.96, abs=0.03)
    # Dunnett's two-sided 5 % point for five comparisons with one control, correlation 1/2, many degrees of freedom.
    assert widening(own + shared, units, 0) == pytest.approx(2.51, abs=0.03)
    assert widening(np.zeros((40_000, 3)), units, 0) == 1.959964


def test_picking_the_best_is_allowed_for():
    """Eight challengers against one baseline: all true differences lie within their intervals in about 95 % of runs, and of
    equals the largest gain is called real in about 2.5 %, not in 8 × 2.5."""
    rng, runs, n, k = np.random.default_rng(1), 200, 200, 8
    held = naive = honest = 0
    for run in range(runs):
        gaps = rng.standard_normal((n, k)) + rng.standard_normal((n, 1))
        z = gaps.mean(axis=0) / (gaps.std(axis=0, ddof=1) / np.sqrt(n))
        wide = widening(gaps, Units(None, n), run)
        naive, honest, held = naive + (z.max() > 1.96), honest + (z.max() > wide), held + (np.abs(z).max() <= wide)
    assert naive / runs > 0.07
    assert honest / runs < 0.058  # 2.5 %, and three times the error of 200 runs
    assert 0.9 < held / runs <= 1
