"""A few rows of another year move neither the reference nor the windows that are looked at."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from loop_core.gates import ingest
from loop_core.gates.suggest import suggest_gates
from loop_core.lake.activity import Activity
from loop_core.monitor.drift import drift_scores
from loop_core.monitor.performance import performance
from loop_core.monitor.profiles.check import recount
from loop_core.monitor.profiles.reference import reference_span, score_days
from loop_core.replay import first_champion, replayable
from loop_core.signals import read_source
from loop_core.status import long_quiet
from loop_core.vocabulary import Signal, State
from loop_core.workspace import Loop

START, DAYS = datetime(2024, 1, 1, tzinfo=UTC), 200
AS_OF = START + timedelta(days=DAYS)


def _rows(moments: list[datetime], name: str, seed: int = 0) -> pl.DataFrame:
    rng, n = np.random.default_rng(seed), len(moments)
    late = np.array([moment >= START + timedelta(weeks=24) for moment in moments])
    return pl.DataFrame(
        {
            "prediction_id": [f"{name}{i}" for i in range(n)],
            "predicted_at": moments,
            "model_version": "old",
            "score": rng.random(n),
            "price": np.abs(rng.normal(5, 1, n)) + 2 * late,
            "weight": rng.normal(size=n),
            "state": rng.choice(["SP", "RJ"], n),
        }
    )


def _deliver(loop: Loop, folder: Path, frame: pl.DataFrame, name: str) -> None:
    frame.write_parquet(folder / f"{name}.parquet")
    source = read_source(str(folder / f"{name}.parquet"))
    assert ingest(loop, Signal.PREDICTIONS, source, actor="ana", as_of=AS_OF).accepted == frame.height


STRAYS = {
    "one": [datetime(2019, 6, 1, tzinfo=UTC)],
    "a hundred of one day": [datetime(2019, 6, 1, tzinfo=UTC) + timedelta(seconds=i) for i in range(100)],
    "each month one": [datetime(2019, 1, 1, tzinfo=UTC) + timedelta(days=30 * i) for i in range(60)],
    "some weeks before": [START - timedelta(days=20 + i) for i in range(3)],
}


@pytest.mark.parametrize("strays", STRAYS)
def test_old_rows_leave_reference_and_alarms(loop: Loop, tmp_path: Path, strays: str) -> None:
    usual = [START + timedelta(days=DAYS * i / 4000) for i in range(4000)]
    _deliver(loop, tmp_path, _rows(usual, "u"), "usual")
    _deliver(loop, tmp_path, _rows(STRAYS[strays], "s", seed=1), "strays")
    first_champion(loop, external="old", actor="ana")
    assert loop.tenures(AS_OF)[0] == ("old", START)
    assert reference_span(loop, AS_OF) == (START, START + timedelta(days=90))
    assert score_days(loop, AS_OF)[1].start == START.date()  # type: ignore[index]
    found = {score.feature: score for score in drift_scores(loop, AS_OF, weeks=1)}
    assert found["price"].state is State.ALARM
    assert found["price"].n_reference > 1700
    assert recount(loop).differences == ()  # type: ignore[union-attr]
    suggested = suggest_gates(loop, AS_OF)
    assert (suggested.start, suggested.rows) == (START, found["price"].n_reference)


def test_empty_years_are_not_walked(loop: Loop, tmp_path: Path) -> None:
    usual = [START + timedelta(days=DAYS * i / 3000) for i in range(3000)]
    _deliver(loop, tmp_path, _rows([datetime(1995, 1, 1, tzinfo=UTC)], "s"), "strays")
    _deliver(loop, tmp_path, _rows(usual, "u"), "usual")
    first_champion(loop, external="old", actor="ana")
    assert len({score.window_start for score in drift_scores(loop, AS_OF, weeks=3000)}) <= DAYS // 7 + 2
    assert len({score.window_start for score in drift_scores(loop, AS_OF, weeks=10**9)}) <= DAYS // 7 + 2
    assert min(point.window_start for point in performance(loop, AS_OF)) > START - timedelta(days=7)
    assert replayable(loop, AS_OF) == (START + timedelta(days=60), AS_OF)


def test_a_stray_of_later_is_not_the_present(loop: Loop, tmp_path: Path) -> None:
    usual = [START + timedelta(days=DAYS * i / 3000) for i in range(3000)]
    _deliver(loop, tmp_path, _rows(usual, "u"), "usual")
    wall = AS_OF + timedelta(days=800)
    frame = _rows([AS_OF + timedelta(days=500)], "late")
    frame.write_parquet(tmp_path / "late.parquet")
    ingest(loop, Signal.PREDICTIONS, read_source(str(tmp_path / "late.parquet")), actor="ana", as_of=wall)
    assert loop.present(wall) == AS_OF
    assert f"--as-of {AS_OF:%Y-%m-%d}" in str(long_quiet(loop, wall))


def test_a_log_that_grows_or_pauses_keeps_its_beginning() -> None:
    growing = Activity.of((day, int(5 * 1.01**day) + 1) for day in range(200))
    assert growing.start(7, 90) == datetime(1970, 1, 1, tzinfo=UTC)
    monthly = Activity.of((30 * k, 3000) for k in range(24))
    assert monthly.start(7, 90) == datetime(1970, 1, 1, tzinfo=UTC)
    again = Activity.of([*((day, 40) for day in range(100)), *((day, 40) for day in range(400, 410))])
    assert again.span(7, 90) == (datetime(1970, 1, 1, tzinfo=UTC), datetime(1971, 2, 15, tzinfo=UTC))
    assert Activity.of([]).start(7, 90) is None
    assert Activity.of([]).span(7, 90) is None
    assert Activity.of([(5, 1)]).start(7, 90) == datetime(1970, 1, 6, tzinfo=UTC)
