"""Forecasts of a retrain's gain: where they rest on enough they hold, and they are scored afterwards."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from loop_core.compare import compare, forecast, forecast_outcomes
from loop_core.compare.estimate import Estimate
from loop_core.compare.worth import _posterior
from loop_core.errors import NotReadyError
from loop_core.retrain import Budget, bootstrap, retrain
from loop_core.workspace import Loop, Workspace
from tests.retrain.synthetic import CHARTER, END, START, insert, parcels, rows

DAY = timedelta(days=1)
FIRST = START + 90 * DAY


def served(loop: Loop) -> str:
    version = bootstrap(loop, until=FIRST, as_of=FIRST, actor="ana", seed=3)
    loop.ledger.append(kind="release.promoted", loop=loop.name, subject=version, actor="ana", as_of=FIRST)
    return version


@pytest.fixture(scope="module")
def turned(tmp_path_factory: pytest.TempPathFactory):
    """A world that turned around after the champion was trained: heavy parcels are now the punctual ones."""
    with Workspace.create(tmp_path_factory.mktemp("turned") / "w") as opened:
        loop = opened.set_charter(CHARTER, actor="ana", reason="first", as_of=START)
        later = pl.col("predicted_at") >= FIRST - 20 * DAY
        frame = rows(4000)
        insert(loop, frame.with_columns(weight=pl.when(later).then(10 - pl.col("weight")).otherwise("weight")))
        served(loop)
        yield loop


def test_a_world_that_turned_is_worth_a_retrain_and_the_comparison_agrees(turned: Loop) -> None:
    told = forecast(turned, END, actor="ana")
    assert told.quick is not None
    assert told.expected > 0.02
    assert told.chance > 0.7
    assert "quick fit" in told.sentence
    version = retrain(turned, as_of=END, actor="ana", seed=1, budget=Budget(2, 120)).version
    card = compare(turned, version, as_of=END + 3 * DAY, actor="ana")
    (outcome,) = forecast_outcomes(turned, END + 4 * DAY)
    assert (outcome.version, outcome.found) == (version, card.overall("log_loss").difference)
    assert outcome.forecast == replace(told, seconds=None)
    assert outcome.passed
    assert outcome.inside
    assert forecast_outcomes(turned, END) == [], "nothing was compared yet then"


def test_a_forecast_is_scored_by_the_first_comparison_with_its_own_champion(tmp_path) -> None:
    with Workspace.create(tmp_path / "w") as opened:
        loop = parcels(opened, n=2000)
        first = served(loop)
        for hours in (30, 3):
            forecast(loop, END - timedelta(hours=hours), actor="ana")
        version = retrain(loop, as_of=END, actor="ana", seed=1, budget=Budget(1, 120)).version
        card = compare(loop, version, as_of=END, actor="ana")
        other = retrain(loop, as_of=END, actor="ana", seed=2, budget=Budget(1, 120)).version
        compare(loop, version, against=other, as_of=END + DAY, actor="ana")
        (outcome,) = forecast_outcomes(loop, END + 2 * DAY)
        assert (outcome.forecast.champion, outcome.forecast.as_of) == (first, END - timedelta(hours=3)), "the newest"
        assert outcome.found == card.overall("log_loss").difference


def test_a_quick_fit_is_judged_as_calibrated_as_the_champion_is(tmp_path) -> None:
    """With balanced classes raw scores are far too high; a retrain would calibrate them."""
    with Workspace.create(tmp_path / "w") as opened:
        loop = parcels(opened, n=4000)
        text = CHARTER.replace("[retrain]", "[retrain]\nbalanced = true")
        loop = opened.set_charter(text, actor="ana", reason="rare", as_of=START)
        served(loop)
        assert abs(forecast(loop, END).expected) < 0.03


def test_where_nothing_changed_little_is_to_be_gained(tmp_path) -> None:
    with Workspace.create(tmp_path / "w") as opened:
        loop = parcels(opened, n=4000)
        served(loop)
        told = forecast(loop, END)
        assert told.ci_low < 0.01
        assert abs(told.expected) < 0.03
        assert loop.ledger.entries(loop=loop.name, kind="retrain.forecast") == [], "nobody asked for a record"


def test_a_champion_that_saw_the_rows_leaves_nothing_to_say(tmp_path) -> None:
    with Workspace.create(tmp_path / "w") as opened:
        loop = parcels(opened, n=2000)
        with pytest.raises(NotReadyError, match="no champion"):
            forecast(loop, END)
        version = bootstrap(loop, until=END, as_of=END, actor="ana", seed=1)
        loop.ledger.append(kind="release.promoted", loop=loop.name, subject=version, actor="ana", as_of=END)
        with pytest.raises(NotReadyError, match="nothing a forecast could rest on"):
            forecast(loop, END)


@pytest.mark.parametrize("alike", [0.0, 0.8])
def test_the_interval_holds_what_it_promises_where_gains_scatter_from_period_to_period(alike: float) -> None:
    """Whether or not the period of the quick fit resembles that of the comparison."""
    rng, held, runs, noise, scatter = np.random.default_rng(8), 0, 500, 0.01, 0.03
    for _ in range(runs):
        level = rng.normal(0, 0.02)
        past = [(level + rng.normal(0, scatter) + rng.normal(0, noise), noise) for _ in range(15)]
        here, there = rng.multivariate_normal([0, 0], scatter**2 * np.array([[1, alike], [alike, 1]]))
        quick = level + here + rng.normal(0, 0.015)
        gain, error = _posterior(Estimate(500, 0, 0, quick, 0.015, 0, 0, ""), past)
        held += abs(level + there + rng.normal(0, noise) - gain) < 1.96 * np.hypot(error, noise)
    assert 0.91 <= held / runs <= 0.995
