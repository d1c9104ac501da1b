"""The verbs of the pages, each by the identity that may use it: compare → propose → approve → promote → roll back."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from loop_core.gates.quarantine import rule_counts
from loop_core.jobs import list_jobs
from loop_core.vocabulary import Signal
from loop_core.workspace import Loop, Workspace
from tests.conftest import CHARTER, START
from tests.once import once
from tests.pages.conftest import END, Open, build, keyed, said
from tests.signals.deliveries import AS_OF, deliver, prediction, write_csv


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace that these tests change, in the order they stand here."""
    return once(tmp_path_factory, "full", build)


def loop_of(folder: Path) -> Loop:
    return Workspace.open(folder).loop("deliveries")


def walk_to(test: AppTest, page: str) -> AppTest:
    return test.switch_page(f"../pages/{page}.py").run()


def test_a_release_and_its_way_back(app: Open, own: Path) -> None:
    test = app(own, "compare")
    assert "blocked" not in said(test)
    keyed(test.button, "propose").click().run()
    walk_to(test, "release")
    assert keyed(test.button, "approve_p1").disabled
    assert "somebody else approves" in said(test)

    test.selectbox(key="actor").select("reviewer").run()
    keyed(test.button, "approve_p1").click().run()
    keyed(test.button, "promote_p1").click().run()
    assert loop_of(own).champion(END) == "challenger-1"
    assert "challenger-1 serves everybody" in said(test)

    assert keyed(test.button, "rollback").disabled
    keyed(test.text_input, "rollback_reason").set_value("complaints from the north").run()
    keyed(test.button, "rollback").click().run()
    assert loop_of(own).champion(END) == "incumbent-1"
    entries = loop_of(own).entries("release.")
    assert [entry.kind.split(".")[1] for entry in entries[-4:]] == ["proposed", "approved", "promoted", "rolled_back"]
    assert [entry.actor for entry in entries[-3:]] == ["reviewer"] * 3


def test_verify_chain(app: Open, own: Path) -> None:
    test = app(own, "ledger")
    test.button(key="verify").click().run()
    assert "as they were written" in test.success[0].value
    assert "Nothing is missing up to entry" in test.success[1].value


def test_a_retrain_is_queued_with_the_budget_of_the_form(app: Open, own: Path) -> None:
    test = app(own, "retrain")
    keyed(test.number_input, "trials").set_value(3)
    keyed(test.button, "train").click().run()
    job = list_jobs(Workspace.open(own), loop="deliveries")[0]
    assert (job.kind, job.params["trials"], job.status) == ("retrain", 3, "queued")

    keyed(test.button, f"stop_{job.id}").click().run()
    assert list_jobs(Workspace.open(own), loop="deliveries")[0].status == "stopped"

    test.run()
    keyed(test.button, f"again_{job.id}").click().run()
    assert list_jobs(Workspace.open(own), loop="deliveries")[0].status == "queued"


def test_quarantined_rows_are_dismissed_with_a_reason(app: Open, own: Path) -> None:
    loop = loop_of(own)
    before = sum(count.rows for count in rule_counts(loop, END))
    test = app(own, "signals")
    key = next(str(frame.key) for frame in test.dataframe if str(frame.key).startswith("quarantine_"))
    test.session_state[key] = {"selection": {"rows": [0], "columns": [], "cells": []}}
    test.run()
    keyed(test.text_input, "quarantine_reason").set_value("a test delivery").run()
    keyed(test.button, "quarantine_dismiss").click().run()
    assert not test.error
    assert sum(count.rows for count in rule_counts(loop, END)) < before


def test_somebody_else_s_mistake_is_said_not_thrown(app: Open, own: Path) -> None:
    # Another process may run the tests before this one, so there may have been no release yet to go back from.
    promoted(own, END)
    test = app(own, "release")
    keyed(test.text_input, "rollback_reason").set_value("again").run()
    promoted(own, END.replace(year=2026))
    keyed(test.button, "rollback").click().run()
    assert not test.exception
    assert test.error


def promoted(folder: Path, as_of: datetime) -> None:
    with loop_of(folder).workspace as ws:
        ws.ledger.append(
            kind="release.promoted",
            loop="deliveries",
            subject="challenger-1",
            actor="x",
            as_of=as_of,
            payload={"proposal": None},
        )


def test_a_batch_is_taken_out_with_a_reason(app: Open, own: Path) -> None:
    test = app(own, "signals")
    chosen = keyed(test.selectbox, "retract_batch")
    feedback = next(k for k, text in enumerate(chosen.options) if "feedback" in text)
    chosen.select_index(feedback).run()
    button = keyed(test.button, "retract")
    assert button.disabled
    keyed(test.text_input, "retract_reason").set_value("the wrong export").run()
    test.button(key=button.key).click().run()
    assert [entry.reason for entry in loop_of(own).entries("batch.retracted")] == ["the wrong export"]
    assert not any(one.key == button.key for one in test.button)


def test_of_a_log_that_has_ended_somebody_says_from_when_a_cycle_looks(app: Open, loop: Loop) -> None:
    workspace = loop.workspace
    text = CHARTER.replace('clock = "data"', 'clock = "wall"')
    loop = workspace.set_charter(text, actor="ana", reason="live", as_of=START)
    made = f"insert into {loop.table('predictions')} (prediction_id, predicted_at) values ('a', $start)"
    loop.lake.write(lambda tx: tx.execute(made, {"start": START}), actor="ana", message="one row")
    test = app(workspace.path, "retrain")
    assert "The newest prediction is of 2018-01-01" in said(test)
    there = keyed(test.button, "cycle_there")
    assert there.label == "Run a cycle as of 2018-01-02"
    there.click().run()
    assert list_jobs(workspace)[0].params["as_of"] == "2018-01-02T00:00:00+00:00"


def test_the_rows_of_a_stopped_delivery_can_be_looked_at(app: Open, loop: Loop, tmp_path: Path) -> None:
    workspace = loop.workspace
    strict = f"{CHARTER}\n[gates.predictions]\nmin_rows = 100\n"
    loop = workspace.set_charter(strict, actor="ana", reason="", as_of=AS_OF)
    deliver(loop, Signal.PREDICTIONS, write_csv(tmp_path / "few.csv", [prediction(1), prediction(2, price=-1)]))
    test = app(workspace.path, "signals")
    assert "None of its 2 rows entered: volume: 2 rows, at least 100" in said(test)
    (frame,) = (frame.value for frame in test.dataframe if "broke" in frame.value and len(frame.value) == 2)
    assert sorted(frame["broke"]) == ["", "price.min (-1.0)"]
    assert frame["row"].str.contains("prediction_id p1").any()
