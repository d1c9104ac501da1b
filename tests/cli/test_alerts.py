"""`loop alerts …` as a person types it."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from loop_core.alerts import alert
from loop_core.clock import now
from loop_core.errors import RefusedError, SourceError, UnknownNameError
from loop_core.workspace import Loop
from tests.alerts.made import WEEK, cycle, finding, live
from tests.alerts.receivers import webhook
from tests.cli.test_cli import loop_command, run
from tests.conftest import START

DAY = f"{START:%Y-%m-%d}"


def test_list_show_ack_mute_unmute(loop: Loop) -> None:
    folder, at = loop.workspace.path, ["--as-of", DAY]
    assert "Nobody is asked for anything" in run("alerts", "list", "orders", *at, workspace=folder)
    cycle(loop, START, finding(evidence="select 1"))
    listed = json.loads(run("alerts", "list", "orders", *at, "--json", workspace=folder))
    assert [(one["id"], one["state"], one["owner"]) for one in listed] == [("a1", "open", "ana")]
    shown = run("alerts", "show", "orders", "a1", *at, workspace=folder)
    for words in ("asks ana", "first seen 2018-01-01", "to see it: select 1", "loop alerts playbook drift.feature"):
        assert words in shown
    acknowledged = run("alerts", "ack", "orders", "a1", *at, "--actor", "bea", workspace=folder)
    assert "acknowledged by bea" in acknowledged
    until = ["--until", "2018-02-01", "--reason", "a migration"]
    assert "silent until 2018-02-01" in run("alerts", "mute", "orders", "a1", *until, *at, workspace=folder)
    assert "muted until 2018-02-01" in run("alerts", "show", "orders", "a1", *at, workspace=folder)
    run("alerts", "unmute", "orders", "a1", *at, workspace=folder)
    assert alert(loop, "a1", START).state == "acknowledged"


def test_what_cannot_be_done_is_said_with_the_next_step(loop: Loop) -> None:
    folder, at = loop.workspace.path, ["--as-of", DAY]
    cycle(loop, START, finding())
    with pytest.raises(RefusedError, match="is over"):
        run("alerts", "mute", "orders", "a1", "--until", "2017-01-01", "--reason", "x", *at, workspace=folder)
    with pytest.raises(UnknownNameError, match="a1"):
        run("alerts", "ack", "orders", "a9", *at, workspace=folder)
    with pytest.raises(UnknownNameError, match=r"service\.errors"):
        run("alerts", "playbook", "service.error")
    missing = loop_command("alerts", "mute", "orders", "a1", "--until", "2018-02-01", workspace=folder)
    assert missing.returncode == 2
    assert "--reason" in missing.stderr


def test_a_playbook() -> None:
    assert "What to do" in run("alerts", "playbook", "drift.feature")


def test_channels_are_checked_tried_and_delivered_to(loop: Loop) -> None:
    folder = loop.workspace.path
    assert "No channels" in run("alerts", "channels", "check", workspace=folder)
    with webhook() as hook:
        (folder / "alerts.toml").write_text(f'[chat]\nurl = "{hook.url}?-key=hunter2"\n')
        checked = run("alerts", "channels", "check", workspace=folder)
        assert "JSON at 127.0.0.1" in checked
        assert "hunter2" not in checked
        assert "chat took it" in run("alerts", "test", "chat", workspace=folder)
        with pytest.raises(UnknownNameError, match="chat"):
            run("alerts", "test", "mail", workspace=folder)
        moment = now() - timedelta(minutes=1)
        cycle(live(loop), moment, finding(window_start=moment - WEEK, window_end=moment))
        report = json.loads(run("alerts", "deliver", "--json", workspace=folder))
        assert (report["sent"], len(hook.taken)) == (1, 2)
        outbox = json.loads(run("alerts", "outbox", "--json", workspace=folder))
        assert [(message["status"], message["channel"]) for message in outbox] == [("sent", "chat")]
        hook.behave = [500]
        refused = loop_command("alerts", "test", "chat", workspace=folder)
        assert refused.returncode == 1
        assert "did not take the message" in refused.stderr
        assert "HTTP 500. Wanted: an answer" in refused.stderr.replace(")", "")
    with pytest.raises(RefusedError, match="is sent"):
        run("alerts", "resend", "orders", "1", workspace=folder)


def test_a_broken_channel_is_named(loop: Loop) -> None:
    folder = loop.workspace.path
    (folder / "alerts.toml").write_text('[chat]\nurl = "nonsense"\n')
    result = loop_command("alerts", "channels", "check", workspace=folder)
    assert result.returncode == 1
    assert "no address apprise knows" in result.stdout
    (folder / "alerts.toml").write_text("[chat")
    with pytest.raises(SourceError, match="correct"):
        run("alerts", "channels", "check", workspace=folder)
