"""A batch unlike those before is noticed; quiet ones are not called so; what is stopped loses nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from loop_core.gates import BatchReport
from loop_core.gates.anomaly import Judgement, judge
from loop_core.gates.batch_stats import BatchStats, past_batches, source_family
from loop_core.monitor.check_batches import check_batches
from loop_core.vocabulary import Signal, State
from loop_core.windows import Windows
from loop_core.workspace import Loop, Workspace
from tests.conftest import CHARTER, START
from tests.gates.batches import arrival, file, frame, stats
from tests.signals.deliveries import contents, deliver

DAYS = 70
#: A Wednesday and a Sunday after `DAYS` days of history.
WEDNESDAY, SUNDAY = 72, 76


@pytest.fixture(scope="module")
def past() -> list[BatchStats]:
    rng = np.random.default_rng(0)
    return [stats(frame(rng, day), day) for day in range(DAYS)]


def _found(past: list[BatchStats], rows: pl.DataFrame, day: int = WEDNESDAY) -> set[tuple[str | None, str]]:
    judgement = judge(stats(rows, day), past)
    assert judgement.reason is None
    return {(a.column, a.what) for a in judgement.anomalies}


@pytest.mark.parametrize("mean", [30, 80, 1_000])
def test_quiet_batches_are_rarely_called_unusual(mean: int) -> None:
    rng, past, unusual, judged = np.random.default_rng(1), [], 0, 0
    for day in range(180):
        batch = stats(frame(rng, day, mean * (1 + day / 365)), day)
        judgement = judge(batch, past[-60:])
        judged += judgement.reason is None
        unusual += bool(judgement.anomalies)
        past.append(batch)
    assert judged > 150
    assert unusual <= 1  # 2 in 1,000 are allowed for


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda rows: rows.head(rows.height // 2), (None, "volume")),
        (lambda rows: pl.concat([rows, rows]), (None, "volume")),
        (lambda rows: rows.with_columns(pl.when(pl.col("price") > 30).then(pl.col("price") * 1000).otherwise("price")), ("price", "mean")),
        (lambda rows: rows.with_columns(pl.col("weight") / 1000), ("weight", "mean")),
        (lambda rows: rows.with_columns(price=pl.lit(0.0)), ("price", "mean")),
        (lambda rows: rows.with_columns(price=pl.lit(1e300)), ("price", "mean")),
        (lambda rows: rows.with_columns(pl.when(pl.int_range(rows.height) % 4 > 0).then("state")), ("state", "nulls")),
        (lambda rows: rows.with_columns(weight=pl.lit(None, pl.Float64)), ("weight", "nulls")),
    ],
    ids=["half", "twice", "unit slip in some", "unit slip in all", "zeros", "huge", "null flood", "dropped column"],
)  # fmt: skip
def test_incidents_are_found(
    past: list[BatchStats], change: Callable[[pl.DataFrame], pl.DataFrame], expected: tuple[str | None, str]
) -> None:
    rows = frame(np.random.default_rng(5), WEDNESDAY)
    assert _found(past, rows) == set()
    assert _found(past, change(rows)) == {expected}


def test_a_day_is_compared_with_its_own_weekday(past: list[BatchStats]) -> None:
    sunday = frame(np.random.default_rng(5), SUNDAY)
    assert _found(past, sunday, SUNDAY) == set()
    moved = sunday.with_columns(pl.col("predicted_at") - pl.duration(days=SUNDAY - WEDNESDAY))
    judgement = judge(stats(moved, WEDNESDAY), past)
    assert [(a.what, judgement.weekday, judgement.earlier) for a in judgement.anomalies] == [("volume", True, 10)]
    # In New Zealand's time the same instants begin on another day.
    assert judge(stats(sunday, SUNDAY), past, "Pacific/Auckland").anomalies == ()


def test_an_incident_of_the_past_hides_none_of_today(past: list[BatchStats]) -> None:
    slipped = frame(np.random.default_rng(6), WEDNESDAY - 7).with_columns(pl.col("price") * 1000)
    wednesdays = [b for b in past if b.middle and b.middle.weekday() == 2]
    history = [*wednesdays[:-1], stats(slipped, WEDNESDAY - 7)]
    assert len(history) == 10
    assert _found(history, slipped.with_columns(pl.col("predicted_at") + pl.duration(days=7))) == {("price", "mean")}


@pytest.mark.parametrize(
    ("history", "rows", "reason"),
    [(0, 300, "0 earlier batches"), (7, 300, "7 earlier batches"), (DAYS, 19, "it has 19 rows")],
)
def test_what_cannot_be_judged_is_said(past: list[BatchStats], history: int, rows: int, reason: str) -> None:
    judgement = judge(stats(frame(np.random.default_rng(5), WEDNESDAY).head(rows), WEDNESDAY), past[:history])
    assert judgement.anomalies == ()
    assert reason in str(judgement.reason)


def test_another_source_and_another_length_of_time_are_no_history(past: list[BatchStats]) -> None:
    rows = frame(np.random.default_rng(5), WEDNESDAY)
    month = rows.with_columns(pl.col("predicted_at") - pl.duration(days=pl.int_range(rows.height) % 30))
    assert judge(stats(month, WEDNESDAY), past).earlier == 0
    other = stats(rows, WEDNESDAY)
    renamed = BatchStats(other.batch_id, other.signal, "partner.csv", other.arrived_at, other.rows, other.columns)
    assert judge(renamed, past).earlier == 0
    assert source_family("a/orders_2018w07.csv") == source_family("a/orders_2019w11.csv")


# -- in a loop ----------------------------------------------------------------------------------------------------


def _loop(workspace: Workspace, extra: str = "") -> Loop:
    return workspace.set_charter(f"{CHARTER}\n[gates.predictions]\n{extra}\n", actor="ana", reason="", as_of=START)


def _fill(loop: Loop, folder: Path, days: int = 9) -> None:
    rng = np.random.default_rng(2)
    for day in range(days):
        report = deliver(loop, Signal.PREDICTIONS, file(folder, frame(rng, day, 60, weekly=False), day), as_of=arrival(day))  # fmt: skip
        assert not any(note.startswith("anomaly") for note in report.notes)


def _slipped(folder: Path, day: int = 9) -> Path:
    rows = frame(np.random.default_rng(3), day, 60, weekly=False).with_columns(pl.col("price") * 1000)
    return file(folder, rows, day)


def _send(loop: Loop, path: Path, day: int = 9) -> BatchReport:
    return deliver(loop, Signal.PREDICTIONS, path, as_of=arrival(day))


def test_the_sums_that_are_kept_are_those_of_the_rows(workspace: Workspace, tmp_path: Path) -> None:
    loop = _loop(workspace)
    rows = frame(np.random.default_rng(2), 0, 60).with_columns(price=pl.when(pl.int_range(pl.len()) == 3).then(-1.0).otherwise("price"))  # fmt: skip
    report = _send(loop, file(tmp_path, rows, 0), 0)
    assert (report.quarantined, report.accepted) == (1, rows.height - 1)
    again = _send(loop, file(tmp_path, rows, 0), 0)
    assert again.state == "already_ingested"
    (kept,) = past_batches(loop, Signal.PREDICTIONS, until=arrival(0))
    table = loop.table("predictions")
    n, total, squares, nulls = loop.lake.rows(f"select count(*), sum(price), sum(price * price), count(*) - count(weight) from {table}")[0]  # fmt: skip
    assert (kept.rows, kept.columns["price"].n, kept.columns["weight"].nulls) == (report.received, n, nulls)
    assert (kept.columns["price"].total, kept.columns["price"].squares) == pytest.approx((total, squares), rel=1e-12)
    assert kept.columns["state"].total is None
    assert kept.daily
    assert kept.weekday(None) == "mon"


def test_a_warned_batch_enters_and_the_monitor_says_so(workspace: Workspace, tmp_path: Path) -> None:
    loop = _loop(workspace)
    _fill(loop, tmp_path)
    windows = Windows.at(arrival(8), 7)
    assert [f.state for f in check_batches(loop, windows, arrival(8))] == [State.OK]
    report = _send(loop, _slipped(tmp_path))
    assert report.state == "ingested"
    assert report.accepted == report.received
    assert report.notes[0].startswith("anomaly: price ")
    (finding,) = check_batches(loop, Windows.at(arrival(9), 7), arrival(9))
    assert (finding.code, finding.state, finding.subject) == ("signals.anomaly", State.ALARM, "predictions")
    assert "1 of 7 batches" in finding.sentence
    assert "price" in finding.sentence
    assert finding.source == "orders-#-#-#.parquet"
    # What arrived later was not known before.
    assert [f.state for f in check_batches(loop, windows, arrival(8))] == [State.OK]


def test_a_stopped_batch_loses_nothing(workspace: Workspace, tmp_path: Path) -> None:
    loop = _loop(workspace, 'on_anomaly = "stop"')
    _fill(loop, tmp_path)
    before, kept = contents(loop, "predictions"), contents(loop, "batch_stats")
    path = _slipped(tmp_path)
    report = _send(loop, path)
    assert (report.state, report.accepted) == ("stopped", 0)
    assert (contents(loop, "predictions"), contents(loop, "batch_stats")) == (before, kept)
    (finding,) = check_batches(loop, Windows.at(arrival(9), 7), arrival(9))
    assert finding.state is State.ALARM
    assert "1 of 7 batches of predictions were stopped" in finding.sentence
    assert _send(loop, path).state == "stopped"
    allowed = _send(_loop(workspace, 'on_anomaly = "off"'), path)
    assert (allowed.state, allowed.accepted) == ("ingested", allowed.received)
    assert len(contents(loop, "predictions")) == len(before) + allowed.received


def test_that_a_batch_was_not_judged_is_said_where_it_could_be_stopped(workspace: Workspace, tmp_path: Path) -> None:
    report = _send(_loop(workspace, 'on_anomaly = "stop"'), _slipped(tmp_path))
    assert report.state == "ingested"
    assert report.notes[0].startswith("not compared with earlier batches: 0 earlier batches")
    assert _send(_loop(workspace), _slipped(tmp_path, 13), 13).notes == ()


def test_black_friday_is_the_unusual_day_of_olist(olist_rows: pl.DataFrame) -> None:
    past: list[BatchStats] = []
    told: dict[str, Judgement] = {}
    for (day,), part in olist_rows.group_by(pl.col("predicted_at").dt.date(), maintain_order=True):
        batch = stats(part, (day - START.date()).days)  # type: ignore[operator]
        told[str(day)] = judge(batch, past[-60:])
        past.append(batch)
    judged = [day for day, judgement in told.items() if judgement.reason is None]
    unusual = [day for day in judged if told[day].anomalies]
    assert len(judged) > 300
    assert unusual == ["2017-11-24", "2017-11-25"]
    assert [a.what for a in told["2017-11-24"].anomalies] == ["volume"]
