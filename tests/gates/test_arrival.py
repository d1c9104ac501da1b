"""A loop that replays the past takes a file of later days, and no row of the far future with it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from loop_core.gates import arrival, ingest
from loop_core.gates.report import BatchReport
from loop_core.signals import read_source
from loop_core.vocabulary import Signal
from loop_core.workspace import Loop, Workspace
from tests.conftest import CHARTER
from tests.signals.deliveries import AS_OF, outcome, prediction, write_csv

WALL = datetime(2026, 1, 1, tzinfo=UTC)
FIRST = datetime(2018, 1, 1, tzinfo=UTC)


def _deliver(loop: Loop, signal: Signal, path: Path) -> BatchReport:
    source = read_source(str(path))
    return ingest(loop, signal, source, actor="ana", as_of=arrival(loop, signal, source, WALL))


def _on(day: float) -> str:
    return (FIRST + timedelta(days=day)).isoformat()


def _of_days(first: int, days: int, each: int = 10) -> list[dict[str, object]]:
    return [
        prediction(first * each + i, predicted_at=_on(first + i / each), price=1, weight=1) for i in range(days * each)
    ]


def test_files_of_later_days_and_late_outcomes_are_let_in(loop: Loop, tmp_path: Path) -> None:
    assert _deliver(loop, Signal.PREDICTIONS, write_csv(tmp_path / "a.csv", _of_days(0, 20))).accepted == 200
    assert loop.present(WALL) == FIRST + timedelta(days=20)
    later = _deliver(loop, Signal.PREDICTIONS, write_csv(tmp_path / "b.csv", _of_days(20, 40)))
    assert (later.accepted, later.quarantined) == (400, 0)
    assert loop.present(WALL) == FIRST + timedelta(days=60)
    # Ever fewer, up to two months after the last prediction.
    told = [outcome(i, observed_at=_on(i / 10 + 60 * (i % 20) ** 4 / 20**4)) for i in range(600)]
    late = _deliver(loop, Signal.OUTCOMES, write_csv(tmp_path / "o.csv", told))
    assert (late.accepted, late.quarantined) == (600, 0)
    assert loop.present(WALL) == FIRST + timedelta(days=60)


def test_a_long_pause_is_no_future(loop: Loop, tmp_path: Path) -> None:
    _deliver(loop, Signal.PREDICTIONS, write_csv(tmp_path / "a.csv", _of_days(0, 20)))
    report = _deliver(loop, Signal.PREDICTIONS, write_csv(tmp_path / "b.csv", _of_days(500, 1, each=8)))
    assert (report.accepted, report.quarantined) == (8, 0)


def test_one_row_of_the_far_future_opens_no_door(loop: Loop, tmp_path: Path) -> None:
    _deliver(loop, Signal.PREDICTIONS, write_csv(tmp_path / "a.csv", _of_days(0, 20)))
    odd = [prediction(9000 + i, predicted_at=text) for i, text in enumerate(("2099-01-01T00:00:00Z", _on(1500)))]
    report = _deliver(loop, Signal.PREDICTIONS, write_csv(tmp_path / "b.csv", [*_of_days(20, 20), *odd]))
    assert (report.accepted, report.quarantined) == (200, 2)
    assert {count.rule: count.rows for count in report.rules} == {"predicted_at.future": 2}
    alone = _deliver(
        loop, Signal.PREDICTIONS, write_csv(tmp_path / "c.csv", [prediction(9100, predicted_at=_on(30000))])
    )
    assert alone.accepted == 0
    assert loop.present(WALL) == FIRST + timedelta(days=40)


def test_on_the_wall_clock_it_is_now(workspace: Workspace, tmp_path: Path) -> None:
    loop = workspace.set_charter(CHARTER.replace('clock = "data"\n', ""), actor="ana", reason="", as_of=AS_OF)
    source = read_source(str(write_csv(tmp_path / "a.csv", _of_days(0, 2))))
    assert arrival(loop, Signal.PREDICTIONS, source, WALL) == WALL
