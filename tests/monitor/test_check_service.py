"""Latency's last hundredth, confidence, and pairs of cohorts: told where they moved, silent where they did not."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from loop_core.charter import MonitorPlan
from loop_core.monitor import service_health
from loop_core.monitor.check_service import check_service
from loop_core.vocabulary import State
from tests.charts.made import health
from tests.conftest import START
from tests.monitor.world import DAYS, fill, predictions

END = START + timedelta(days=DAYS)


def _said(p99=(80.0,) * 9, uncertainty=(0.5,) * 9, n=900):
    rng = np.random.default_rng(0)
    points = [
        replace(point, n=n, latency_p99_ms=slow * rng.normal(1, 0.02), uncertainty=unsure + rng.normal(0, 0.002), uncertainty_se=0.002)
        for point, slow, unsure in zip(health(weeks=9), p99, uncertainty, strict=True)
    ]  # fmt: skip
    newest = points[-1]
    found = check_service(MonitorPlan(), points, newest.window_start, newest.window_end)
    return {(f.code, f.subject): f for f in found}


def test_quiet_windows_are_as_usual():
    found = _said()
    assert found["service.latency", "latency_p99_ms"].state is State.OK
    assert found["service.confidence", "score"].state is State.OK


def test_a_slow_hundredth_and_a_model_less_or_more_sure_are_on_watch():
    found = _said(p99=(80.0,) * 8 + (400.0,), uncertainty=(0.5,) * 8 + (0.55,))
    slow = found["service.latency", "latency_p99_ms"]
    assert (slow.state, "ms is usual" in slow.sentence) == (State.WATCH, True)
    assert slow.threshold == pytest.approx(120, rel=0.05)
    assert found["service.confidence", "score"].state is State.WATCH
    assert _said(uncertainty=(0.5,) * 8 + (0.45,))["service.confidence", "score"].state is State.WATCH


def test_few_answers_say_nothing_of_their_slowest_hundredth():
    assert ("service.latency", "latency_p99_ms") not in _said(n=200)


def test_uncertainty_is_the_entropy_of_the_scores(loop):
    fill(loop, predictions())
    newest = service_health(loop, END, weeks=1)[-1]
    scores = np.array(
        loop.lake.rows(
            f"select score from {loop.table('predictions')} where predicted_at >= $first",
            {"first": END - timedelta(days=7)},
        )
    )[:, 0]
    entropy = -(scores * np.log2(scores) + (1 - scores) * np.log2(1 - scores))
    assert newest.uncertainty == pytest.approx(entropy.mean())
    assert newest.uncertainty_se == pytest.approx(entropy.std(ddof=1) / np.sqrt(len(scores)))


def test_service_by_pairs_of_cohorts_adds_up(loop):
    rows = predictions().with_columns(
        latency_ms=pl.int_range(pl.len()) % 50 + 10.0,
    )
    fill(loop, rows)
    names = [cohort.name for cohort in loop.charter.cohorts]
    pair = (names[0], names[-1])
    found = service_health(loop, END, pair, weeks=2)
    assert {point.cohort for point in found} == {" × ".join(pair)}
    assert all(" × " in str(point.cohort_value) for point in found)
    assert sum(point.n for point in found) == sum(point.n for point in service_health(loop, END, weeks=2))
    assert service_health(loop, END, " × ".join(pair), weeks=2) == found
