"""For any deliveries whatever: every row is accounted for, and delivering again changes nothing."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from loop_core.gates.quarantine import list_rows
from loop_core.gates.replay import replay
from loop_core.vocabulary import Signal
from loop_core.workspace import Workspace
from tests.conftest import CHARTER, START
from tests.signals.deliveries import contents, deliver, write_csv, write_jsonl

_numbers = itertools.count()

_cell = st.sampled_from(["", "1", "2.5", "-1", "abc", "nan", "inf", 'é,"x', "  7 "])
_time = st.sampled_from(["2018-01-01T00:00:00Z", "2018-01-02T03:00:00-03:00", "2030-01-01T00:00:00Z", "", "soon"])
_predictions = st.fixed_dictionaries(
    {
        "prediction_id": st.sampled_from(["", "a", "b", "c", "d"]),
        "predicted_at": _time,
        "price": _cell,
        "state": st.sampled_from(["", "SP", "RJ", "XX"]),
    }
)
_outcomes = st.fixed_dictionaries(
    {
        "prediction_id": st.sampled_from(["", "a", "b", "z"]),
        "label": st.sampled_from(["0", "1", "2", "", "yes"]),
        "observed_at": _time,
    }
)
_deliveries = st.lists(
    st.one_of(
        st.tuples(st.just(Signal.PREDICTIONS), st.lists(_predictions, min_size=1, max_size=6)),
        st.tuples(st.just(Signal.OUTCOMES), st.lists(_outcomes, min_size=1, max_size=6)),
    ),
    min_size=1,
    max_size=3,
)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """One workspace for all examples; each makes a loop of its own in it."""
    with Workspace.create(tmp_path_factory.mktemp("accounts") / "w") as workspace:
        yield workspace


@settings(max_examples=5, suppress_health_check=list(HealthCheck))
@given(deliveries=_deliveries, as_json=st.booleans())
def test_every_row_is_accounted_for_and_twice_is_once(
    shared: Workspace, tmp_path_factory: pytest.TempPathFactory, deliveries: Any, as_json: bool
) -> None:
    folder, name = tmp_path_factory.mktemp("d"), f"orders_{next(_numbers)}"
    loop = shared.set_charter(
        CHARTER.replace('name = "orders"', f'name = "{name}"'), actor="ana", reason="", as_of=START
    )
    files = [(signal, _file(folder / str(i), rows, as_json), len(rows)) for i, (signal, rows) in enumerate(deliveries)]
    reports = [(deliver(loop, signal, path), n) for signal, path, n in files]
    for report, n in reports:
        assert report.received == n
        if report.state == "ingested":
            assert report.accepted + report.quarantined + report.unchanged + report.conflicting == n
    fresh = [report for report, _ in reports if report.state == "ingested"]
    before = {table: contents(loop, table) for table in ("predictions", "outcomes", "quarantine", "batches")}
    assert len(before["predictions"]) + len(before["outcomes"]) == sum(report.accepted for report in fresh)
    assert len(before["quarantine"]) == sum(report.quarantined for report in fresh)
    ids = [row[0] for row in before["predictions"]]
    assert len(ids) == len(set(ids))
    for signal, path, _ in files:
        assert deliver(loop, signal, path).state == "already_ingested"
    assert {table: contents(loop, table) for table in before} == before
    _replay_accounts_too(loop)


def _replay_accounts_too(loop: Any) -> None:
    waiting = list_rows(loop)
    if waiting:
        before = len(contents(loop, "predictions")) + len(contents(loop, "outcomes"))
        reports = replay(loop, [row.quarantine_id for row in waiting], actor="ana", as_of=START)
        assert sum(report.received for report in reports) == len(waiting)
        assert len(contents(loop, "predictions")) + len(contents(loop, "outcomes")) == before + sum(
            r.accepted for r in reports
        )
        assert len(list_rows(loop)) == sum(report.quarantined + report.conflicting for report in reports)


def _file(path: Path, rows: list[dict[str, Any]], as_json: bool) -> Path:
    if as_json:
        return write_jsonl(path.with_suffix(".jsonl"), rows)
    quoted = [{name: '"' + value.replace('"', '""') + '"' for name, value in row.items()} for row in rows]
    return write_csv(path.with_suffix(".csv"), quoted)
