"""Quarantined rows can be seen, corrected, replayed once, or dismissed; each leaves its trace in the ledger."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from loop_core.errors import RefusedError, SourceError, UnknownNameError
from loop_core.gates import repair
from loop_core.gates.quarantine import dismiss, fix, list_rows, rule_counts
from loop_core.gates.replay import replay
from loop_core.gates.report import RuleCount
from loop_core.vocabulary import Signal
from loop_core.workspace import Loop, Workspace
from tests.conftest import CHARTER
from tests.signals.deliveries import AS_OF, contents, deliver, outcome, prediction, write_csv


@pytest.fixture(scope="module")
def delivered(templates: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with one good prediction; in its quarantine one of a wrong type, one too low, one of an unknown state."""
    folder = tmp_path_factory.mktemp("delivered")
    rows = [prediction(1), prediction(2, price="abc"), prediction(3, price=-1), prediction(4, state="XX")]
    shutil.copytree(templates / "loop", folder / "w")
    with Workspace.open(folder / "w") as workspace:
        deliver(workspace.loop("orders"), Signal.PREDICTIONS, write_csv(folder / "a.csv", rows))
    return folder / "w"


@pytest.fixture
def waiting(delivered: Path, tmp_path: Path) -> Iterator[Loop]:
    """The loop of a copy of `delivered`."""
    shutil.copytree(delivered, tmp_path / "waiting")
    with Workspace.open(tmp_path / "waiting") as workspace:
        yield workspace.loop("orders")


def _id(loop: Loop, rule: str) -> str:
    (row,) = list_rows(loop, rule=rule)
    return row.quarantine_id


def test_rows_are_listed_as_delivered(waiting: Loop) -> None:
    (row,) = list_rows(waiting, rule="price.type")
    assert row.row["price"] == "abc"
    assert row.row["prediction_id"] == "p2"
    assert (row.state, row.rules) == ("open", ("price.type",))
    assert len(list_rows(waiting, limit=2)) == 2
    assert len(list_rows(waiting, limit=2, offset=2)) == 1
    assert list_rows(waiting, signal=Signal.OUTCOMES) == []


def test_rules_are_counted_as_of_an_instant(waiting: Loop) -> None:
    assert rule_counts(waiting, AS_OF) == [
        RuleCount("price.min", 1),
        RuleCount("price.type", 1),
        RuleCount("state.values", 1),
    ]
    assert rule_counts(waiting, AS_OF - timedelta(days=1)) == []


def test_a_fixed_row_enters_once(waiting: Loop) -> None:
    wrong = _id(waiting, "price.type")
    assert fix(waiting, wrong, {"price": "12.5"}, actor="ana", as_of=AS_OF, reason="typo").state == "fixed"
    (report,) = replay(waiting, [wrong], actor="ana", as_of=AS_OF)
    assert (report.received, report.accepted) == (1, 1)
    assert waiting.lake.rows(f"select price from {waiting.table('predictions')} where prediction_id = 'p2'") == [
        (12.5,)
    ]
    assert [row.quarantine_id for row in list_rows(waiting, state="replayed")] == [wrong]
    with pytest.raises(RefusedError, match="replayed already"):
        replay(waiting, [wrong], actor="ana", as_of=AS_OF)
    kinds = [entry.kind for entry in waiting.entries("quarantine.")]
    assert kinds == ["quarantine.fixed", "quarantine.replayed"]
    assert waiting.entries("quarantine.fixed")[0].payload["changes"] == {"price": "12.5"}


def test_a_row_that_fails_again_stays_with_its_rules_of_now(waiting: Loop) -> None:
    wrong = _id(waiting, "price.type")
    fix(waiting, wrong, {"price": "-3"}, actor="ana", as_of=AS_OF)
    for _ in range(2):  # the same row may be tried again and again
        (report,) = replay(waiting, [wrong], actor="ana", as_of=AS_OF)
        assert (report.accepted, report.quarantined) == (0, 1)
    (row,) = [row for row in list_rows(waiting) if row.quarantine_id == wrong]
    assert row.rules == ("price.min",)
    assert len(contents(waiting, "quarantine")) == 3


def test_the_charter_in_force_decides_a_replay(waiting: Loop) -> None:
    wider = waiting.workspace.set_charter(
        CHARTER.replace('"BA"]', '"BA", "XX"]'), actor="ana", reason="a new state", as_of=AS_OF
    )
    (report,) = replay(wider, [row.quarantine_id for row in list_rows(waiting)], actor="ana", as_of=AS_OF)
    assert (report.received, report.accepted, report.quarantined) == (3, 1, 2)
    assert [rule.rule for rule in rule_counts(waiting, AS_OF)] == ["price.min", "price.type"]


def test_an_outcome_waits_for_its_prediction(loop: Loop, tmp_path: Path) -> None:
    deliver(loop, Signal.OUTCOMES, write_csv(tmp_path / "o.csv", [outcome(1), outcome(2)]))
    deliver(loop, Signal.PREDICTIONS, write_csv(tmp_path / "p.csv", [prediction(1)]))
    (report,) = replay(loop, [row.quarantine_id for row in list_rows(loop)], actor="ana", as_of=AS_OF)
    assert (report.accepted, report.quarantined) == (1, 1)
    assert loop.lake.rows(f"select prediction_id, label from {loop.table('outcomes')}") == [("p1", 1.0)]


def test_a_row_whose_id_came_in_another_way_stays_as_conflict(waiting: Loop, tmp_path: Path) -> None:
    deliver(waiting, Signal.PREDICTIONS, write_csv(tmp_path / "b.csv", [prediction(2)]))
    wrong = _id(waiting, "price.type")
    fix(waiting, wrong, {"price": "55"}, actor="ana", as_of=AS_OF)
    (report,) = replay(waiting, [wrong], actor="ana", as_of=AS_OF)
    assert (report.accepted, report.conflicting) == (0, 1)
    assert _id(waiting, "row.conflict") == wrong


def test_a_line_that_was_no_record_can_be_given_values(loop: Loop, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("prediction_id,predicted_at,price,weight,state\np1,2018\n")
    deliver(loop, Signal.PREDICTIONS, tmp_path / "a.csv")
    line = _id(loop, "row.columns")
    replay(loop, [line], actor="ana", as_of=AS_OF)
    assert list_rows(loop)[0].rules == ("prediction_id.missing", "predicted_at.missing")
    fix(loop, line, {"prediction_id": "p1", "predicted_at": "2018-01-01T00:00:00Z"}, actor="ana", as_of=AS_OF)
    assert replay(loop, [line], actor="ana", as_of=AS_OF)[0].accepted == 1


def test_dismissing_takes_a_reason_and_keeps_the_row(waiting: Loop) -> None:
    wrong = _id(waiting, "price.min")
    with pytest.raises(RefusedError, match="reason"):
        dismiss(waiting, [wrong], actor="ana", as_of=AS_OF, reason=" ")
    assert dismiss(waiting, [wrong], actor="ana", as_of=AS_OF, reason="a test order") == 1
    (row,) = list_rows(waiting, state="dismissed")
    assert (row.reason, row.decided_by, row.decided_at) == ("a test order", "ana", AS_OF)
    with pytest.raises(RefusedError, match="dismissed already"):
        fix(waiting, wrong, {"price": "1"}, actor="ana", as_of=AS_OF)
    assert waiting.entries("quarantine.dismissed")[0].payload == {"rows": [wrong]}


def test_wrong_calls_say_what_would_be_right(waiting: Loop) -> None:
    with pytest.raises(SourceError, match="no quarantined row 'nothing'"):
        dismiss(waiting, ["nothing"], actor="ana", as_of=AS_OF, reason="x")
    with pytest.raises(UnknownNameError, match=r"price, .*state"):
        fix(waiting, _id(waiting, "price.type"), {"prise": "1"}, actor="ana", as_of=AS_OF)
    with pytest.raises(RefusedError, match="No rows"):
        replay(waiting, [], actor="ana", as_of=AS_OF)
    with pytest.raises(RefusedError, match="No changes"):
        fix(waiting, _id(waiting, "price.type"), {}, actor="ana", as_of=AS_OF)


def test_repair_records_decisions_that_lack_their_entry(waiting: Loop, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("loop_core.gates.quarantine._append", lambda *_: None)
        dismiss(waiting, [_id(waiting, "price.min")], actor="ana", as_of=AS_OF, reason="a test order")
    assert waiting.entries("quarantine.dismissed") == []
    repair(waiting)
    repair(waiting)
    assert [entry.reason for entry in waiting.entries("quarantine.dismissed")] == ["a test order"]
