"""An act belongs to what is on screen: nothing typed is kept for another subject, and a screen out of date does nothing."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from loop_core.compare import compare
from loop_core.gates.quarantine import rule_counts
from loop_core.monitor.about_champion import PREVIOUS
from loop_core.workspace import Loop, Workspace
from tests.pages.conftest import END, Open, keyed, said


@pytest.fixture
def own(full: Path, tmp_path: Path) -> Path:
    """A copy of `full` that a test changes."""
    shutil.copytree(full, tmp_path / "w")
    return tmp_path / "w"


def loop_of(folder: Path) -> Loop:
    return Workspace.open(folder).loop("deliveries")


def release(folder: Path, version: str, actor: str) -> None:
    with loop_of(folder).workspace as ws:
        ws.ledger.append(
            kind="release.promoted", loop="deliveries", subject=version, actor=actor, as_of=END,
            payload={"proposal": None, "previous": ws.loop("deliveries").champion(END)},
        )  # fmt: skip


def type_reason(test: AppTest, reason: str) -> None:
    keyed(test.text_input, "rollback_reason").set_value(reason).run()


def test_the_way_back_is_disarmed_once_it_was_gone(app: Open, own: Path) -> None:
    release(own, "challenger-1", "bo")
    test = app(own, "release")
    button = keyed(test.button, "rollback")
    assert button.label.replace("\\", "") == "Roll back from challenger-1 to incumbent-1"
    type_reason(test, "wrong in the north")
    keyed(test.button, "rollback").click().run()
    entry = loop_of(own).entries("release.rolled_back")[-1]
    assert (entry.subject, entry.payload["previous"], entry.reason) == (
        "incumbent-1",
        "challenger-1",
        "wrong in the north",
    )
    assert keyed(test.text_input, "rollback_reason").value == ""
    after = keyed(test.button, "rollback")
    assert after.disabled
    assert after.label.replace("\\", "") == "Roll back from incumbent-1 to challenger-1"

    release(own, "challenger-1", "bo")
    test.run()
    assert keyed(test.selectbox, "rollback_to").value == "incumbent-1"


def test_of_two_tabs_the_second_is_told_what_the_first_did(app: Open, own: Path) -> None:
    release(own, "challenger-1", "bo")
    first, second = app(own, "release"), app(own, "release")
    for tab in (first, second):
        type_reason(tab, "wrong in the north")
    keyed(first.button, "rollback").click().run()
    length = loop_of(own).ledger.length()
    keyed(second.button, "rollback").click().run()
    assert "changed since you looked" in said(second)
    assert "rolled back to incumbent-1" in said(second)
    assert keyed(second.text_input, "rollback_reason").value == ""
    assert loop_of(own).ledger.length() == length


def test_a_window_of_the_previous_model_is_no_alarm_of_the_present_one(app: Open, own: Path) -> None:
    assert PREVIOUS not in said(app(own, "performance"))
    release(own, "challenger-1", "bo")
    opening = said(app(own, "performance"))
    assert PREVIOUS in opening
    assert "not enough data yet] · log loss was" in opening


def test_a_reason_is_about_its_own_scorecard(app: Open, own: Path) -> None:
    test = app(own, "compare")
    keyed(test.text_input, "propose_reason").set_value("the old numbers").run()
    stale = app(own, "compare")
    with loop_of(own).workspace as ws:
        card = compare(ws.loop("deliveries"), "challenger-1", as_of=END, since=END - timedelta(days=150), actor="bo")
    test.run()
    assert keyed(test.text_input, "propose_reason").value == card.sentence
    keyed(stale.button, "propose").click().run()
    assert "changed since you looked" in said(stale)
    keyed(test.button, "propose").click().run()
    (entry,) = loop_of(own).entries("release.proposed")
    assert (entry.payload["scorecard"], entry.reason) == (card.id, card.sentence)


def test_what_one_person_typed_is_not_said_by_another(app: Open, own: Path) -> None:
    release(own, "challenger-1", "bo")
    test = app(own, "release")
    type_reason(test, "wrong in the north")
    test.selectbox(key="actor").select("reviewer").run()
    assert keyed(test.text_input, "rollback_reason").value == ""


def test_rows_chosen_for_one_act_are_not_chosen_for_the_next(app: Open, own: Path) -> None:
    before = sum(count.rows for count in rule_counts(loop_of(own), END))
    test = app(own, "signals")
    key = next(str(frame.key) for frame in test.dataframe if str(frame.key).startswith("quarantine_"))
    test.session_state[key] = {"selection": {"rows": [0], "columns": [], "cells": []}}
    test.run()
    keyed(test.text_input, "quarantine_reason").set_value("a test delivery").run()
    keyed(test.button, "quarantine_dismiss").click().run()
    assert not test.error
    left = sum(count.rows for count in rule_counts(loop_of(own), END))
    assert left < before
    assert not [one for one in test.button if str(one.key).startswith("quarantine_dismiss")]
