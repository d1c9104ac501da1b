"""The monitor as a whole: sentences with n and window, pending where nothing can be told, kept once per instant."""

from __future__ import annotations

from datetime import timedelta

import polars as pl

from loop_core.monitor import findings_at, monitor, record_findings, service_health
from loop_core.vocabulary import State
from tests.conftest import START
from tests.monitor.world import DAYS, fill, outcomes, predictions

END = START + timedelta(days=DAYS)


def _ratings(rows: pl.DataFrame, drop_from=END) -> pl.DataFrame:
    low = pl.when(pl.col("predicted_at") >= drop_from).then(2.0).otherwise(4.0)
    given = rows.gather_every(4).with_columns(
        rating=low + pl.col("weight").clip(-1, 1), given_at=pl.col("predicted_at") + timedelta(hours=1)
    )
    return given.select(
        "given_at",
        "rating",
        "prediction_id",
        feedback_id=pl.concat_str(pl.lit("f"), "prediction_id"),
        kind=pl.lit("review"),
    )


def _by_code(findings):
    return {(f.code, f.subject): f for f in findings}


def test_a_quiet_loop_is_ok_and_says_so_with_n_and_window(loop):
    rows = predictions()
    fill(loop, rows, outcomes(rows), _ratings(rows))
    found = _by_code(monitor(loop, END))
    codes = {
        "signals.volume",
        "signals.freshness",
        "drift.feature",
        "drift.score",
        "performance.log_loss",
        "feedback.rating",
        "service.latency",
        "service.errors",
    }
    assert codes <= {code for code, _ in found}
    assert not [f for f in found.values() if f.state is State.ALARM]
    assert "n = 280" in found["drift.feature", "price"].sentence
    assert "2018-07-13 to 2018-07-19" in found["drift.feature", "price"].sentence
    assert "wait for labels" in found["performance.log_loss", "log_loss"].sentence


def test_planted_trouble_is_found(loop):
    last = END - timedelta(days=7)
    rows = predictions()
    bad = pl.col("predicted_at") >= last
    rows = rows.with_columns(
        latency_ms=pl.when(bad).then(pl.col("latency_ms") * 3).otherwise(pl.col("latency_ms")),
        error=pl.when(bad & (pl.col("weight") > 1)).then(pl.lit("timeout")).otherwise(None),
        price=pl.when(bad).then(pl.col("price") * 100).otherwise(pl.col("price")),
    )
    kept = rows.filter(~bad | (pl.col("prediction_id").str.tail(1) < "3"))
    fill(loop, kept, outcomes(kept), _ratings(kept, drop_from=last))
    states = {subject: f.state for (_, subject), f in _by_code(monitor(loop, END)).items()}
    assert states["price"] is State.ALARM
    assert states["rating"] is State.ALARM
    assert states["error_share"] is State.ALARM
    assert states["latency_p95_ms"] is State.WATCH  # the charter has no budget to break


def test_volume_that_falls_to_a_third_alarms(loop):
    rows = predictions().filter(
        (pl.col("predicted_at") < END - timedelta(days=7)) | (pl.col("prediction_id").str.tail(1) < "3")
    )
    volume = _by_code(monitor(fill(loop, rows), END))["signals.volume", "predictions"]
    assert (volume.state, volume.n) == (State.ALARM, 84)


def test_an_empty_loop_has_findings_that_say_what_is_missing(loop):
    found = monitor(loop, END)
    assert {f.code: f.state for f in found} == {"signals.volume": State.PENDING, "signals.freshness": State.PENDING}
    assert service_health(loop, END) == []


def test_a_silent_source_is_not_healthy(loop):
    found = _by_code(monitor(fill(loop, predictions()), END + timedelta(days=30)))
    assert found["signals.freshness", "predictions"].state is State.ALARM
    assert found["signals.volume", "predictions"].state is State.ALARM


def test_findings_are_kept_once_per_instant(loop):
    rows = predictions()
    fill(loop, rows, outcomes(rows))
    assert findings_at(loop, END) == []
    first = monitor(loop, END - timedelta(days=7))
    record_findings(loop, END - timedelta(days=7), first, actor="ana")
    second = monitor(loop, END)
    for _ in range(2):
        record_findings(loop, END, second, actor="ana")
    assert sorted(findings_at(loop, END), key=repr) == sorted(second, key=repr)
    assert sorted(findings_at(loop, END - timedelta(days=1)), key=repr) == sorted(first, key=repr)
    record_findings(loop, END, [], actor="ana")
    assert len(findings_at(loop, END)) == len(first)
