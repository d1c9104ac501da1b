"""The alerts on This week: what is asked of whom, the playbook, acknowledge, mute, and messages in doubt."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from loop_core.alerts import alert, raise_alerts
from loop_core.ledger.schema import outbox
from loop_core.monitor import findings_at, record_findings
from loop_core.workspace import Loop, Workspace
from tests.alerts.made import trouble
from tests.pages.conftest import END, Open, keyed, said


@pytest.fixture
def alarmed(full: Path, tmp_path: Path) -> Path:
    """The full workspace after another look, which found a source that failed and answers that failed."""
    shutil.copytree(full, tmp_path / "w")
    with Workspace.open(tmp_path / "w") as ws:
        loop = ws.loop("deliveries")
        (ws.path / "alerts.toml").write_text('[chat]\nurl = "json://127.0.0.1:9"\npast = true\n')
        trouble(loop, END)
    return tmp_path / "w"


def loop_of(folder: Path) -> Loop:
    return Workspace.open(folder).loop("deliveries")


def of_source(folder: Path) -> str:
    loop = loop_of(folder)
    return next(e.subject for e in loop.entries("alert.raised") if e.payload["cause"] == "source:north-hub")


def test_what_costs_most_is_on_top_and_looked_into(app: Open, alarmed: Path) -> None:
    test = app(alarmed)
    assert not test.exception
    assert not test.error
    rows = next(frame for frame in test.dataframe if frame.key == "alerts").value
    assert rows["alert"].iloc[0] == of_source(alarmed)
    assert "unusual volume of predictions from north-hub" in rows["what"].iloc[0]
    for words in ("asks", "first seen 30 Jun 2025", "predictions is alarm", "nobody is sent a message"):
        assert words in said(test)


def test_the_url_says_which_alert_is_open(app: Open, alarmed: Path) -> None:
    service = next(e.subject for e in loop_of(alarmed).entries("alert.raised") if "service" in e.payload["cause"])
    test = app(alarmed, alert=service)
    assert test.selectbox(key="alert").value == service
    assert keyed(test.button, f"ack_{service}").label == f"Acknowledge {service}"
    assert "distance_km is alarm" not in said(test)


def test_an_alert_that_is_not_there_any_more_does_no_harm(app: Open, alarmed: Path) -> None:
    test = app(alarmed, alert="a99")
    assert not test.exception
    assert not test.error
    assert test.selectbox(key="alert").value == of_source(alarmed)


def test_the_playbook_opens(app: Open, alarmed: Path) -> None:
    test = app(alarmed)
    test.button(key="playbook_signals.volume").click().run()
    assert not test.exception
    assert "ask the owner of the source before looking at anything else" in said(test)


def test_acknowledge_and_mute(app: Open, alarmed: Path) -> None:
    name = of_source(alarmed)
    test = app(alarmed)
    assert keyed(test.button, f"mute_{name}").disabled
    keyed(test.text_input, f"alert_reason_{name}").set_value("asked the hub").run()
    keyed(test.button, f"ack_{name}").click().run()
    assert not test.error
    assert alert(loop_of(alarmed), name, END).state == "acknowledged"
    assert keyed(test.button, f"mute_{name}").disabled
    keyed(test.text_input, f"alert_reason_{name}").set_value("the depot moves").run()
    keyed(test.button, f"mute_{name}").click().run()
    muted = alert(loop_of(alarmed), name, END)
    assert (muted.state, muted.muted_until, muted.note) == ("muted", END + timedelta(days=7), "the depot moves")
    test.selectbox(key="alert").select(name).run()
    keyed(test.button, f"unmute_{name}").click().run()
    assert alert(loop_of(alarmed), name, END).state == "acknowledged"


def test_a_message_in_doubt_is_shown_and_sent_again_by_hand(app: Open, alarmed: Path) -> None:
    loop = loop_of(alarmed)
    with loop.ledger.engine.begin() as connection:
        connection.execute(update(outbox).where(outbox.c.id == 1).values(status="unknown", last_error="no answer"))
    test = app(alarmed)
    assert "to chat may not have arrived: no answer" in said(test)
    keyed(test.button, "resend_1").click().run()
    assert not test.error
    assert loop.ledger.entries()[-1].kind == "alert.resent"
    assert "may not have arrived" not in said(test)


def test_nobody_is_asked_for_anything(app: Open, full: Path, tmp_path: Path) -> None:
    shutil.copytree(full, tmp_path / "w")
    with Workspace.open(tmp_path / "w") as ws:
        loop = ws.loop("deliveries")
        quiet = [one for one in findings_at(loop, END) if one.state == "ok"]
        record_findings(loop, END, quiet, actor="ana")
        raise_alerts(loop, END, quiet, actor="ana")
    test = app(tmp_path / "w")
    assert "Nobody is asked for anything" in said(test)
    assert not test.selectbox(key="actor").disabled


def test_the_room_sees_the_first_alert_and_no_button(app: Open, alarmed: Path) -> None:
    test = app(alarmed, present="true")
    assert not test.exception
    assert "predictions is alarm" in said(test)
    assert not [button for button in test.button if str(button.key).startswith(("ack", "mute", "playbook"))]
