"""Alerts on a real ledger: raised with their cycle, read at any instant, acted upon, escalated."""

from __future__ import annotations

from datetime import timedelta

import pytest

from loop_core.alerts import (
    AlertState,
    acknowledge,
    alert,
    alerts,
    escalate,
    messages,
    mute,
    playbook,
    playbooks,
    raise_alerts,
    unmute,
)
from loop_core.alerts.outbox import MessageStatus
from loop_core.errors import RefusedError, UnknownNameError
from loop_core.monitor.codes import CODES
from loop_core.vocabulary import State
from loop_core.workspace import Loop, Workspace
from tests.alerts.made import DAY, WEEK, cycle, finding, kinds, live
from tests.conftest import START


def test_those_that_cost_most_come_first_and_say_who_and_since_when(loop: Loop) -> None:
    cycle(loop, START - WEEK, finding(state=State.WATCH), finding("service.errors", "error_share", State.OK))
    errors = finding("service.errors", "error_share", impact=None)
    found = cycle(loop, START, finding(impact=0.001), finding("signals.volume", "rows", source="p"), errors)
    assert [one.id for one in found] == ["a1", "a2"]
    assert (found[0].cause, found[0].impact, found[0].owner) == ("source:p", 0.001, "ana")
    assert (found[0].first_seen, found[0].since) == (START - WEEK, START)
    assert found[0].title == "unusual volume of rows from p, drift of price"
    assert found[0].codes == ("signals.volume", "drift.feature")
    assert found[1].first_seen == START
    assert alerts(loop, START - DAY) == []


def test_the_same_cycle_twice_writes_nothing_twice(loop: Loop) -> None:
    first = cycle(loop, START, finding(), finding("service.errors", "e"))
    length = loop.ledger.length()
    assert cycle(loop, START, finding(), finding("service.errors", "e")) == first
    assert loop.ledger.length() == length


def test_an_older_cycle_run_later_raises_nothing(loop: Loop) -> None:
    loop.ledger.append(kind="cycle.ran", loop=loop.name, subject="x", actor="ana", as_of=START)
    assert cycle(loop, START - WEEK, finding()) == []
    assert kinds(loop) == []


def test_somebody_may_act_while_a_cycle_runs(loop: Loop) -> None:
    cycle(loop, START, finding())
    acknowledge(loop, "a1", actor="bea", as_of=START + timedelta(hours=2))
    cycle(loop, START + timedelta(hours=1))
    assert kinds(loop) == ["raised", "acknowledged", "resolved"]
    assert loop.ledger.entries()[-1].as_of == START + timedelta(hours=2)


def test_what_people_do_is_on_record_and_the_past_stays_readable(loop: Loop) -> None:
    cycle(loop, START, finding())
    acknowledge(loop, "a1", actor="bea", as_of=START + DAY, reason="looking")
    mute(loop, "a1", START + WEEK, actor="bea", as_of=START + 2 * DAY, reason="a migration")
    unmute(loop, "a1", actor="cleo", as_of=START + 3 * DAY)
    states = [alert(loop, "a1", START + n * DAY).state for n in range(4)]
    assert states == [AlertState.OPEN, AlertState.ACKNOWLEDGED, AlertState.MUTED, AlertState.ACKNOWLEDGED]
    entries = loop.entries("alert.")
    assert [(entry.actor, entry.reason) for entry in entries[1:]] == [
        ("bea", "looking"),
        ("bea", "a migration"),
        ("cleo", ""),
    ]
    assert loop.ledger.verify().broken_at is None


def test_a_mute_ends_by_itself(loop: Loop) -> None:
    cycle(loop, START, finding())
    mute(loop, "a1", START + WEEK, actor="bea", as_of=START, reason="a migration")
    assert alert(loop, "a1", START + WEEK).state is AlertState.OPEN


def test_what_cannot_be_done_is_said(loop: Loop) -> None:
    cycle(loop, START, finding())
    who = {"actor": "bea", "as_of": START}
    with pytest.raises(RefusedError, match=r"until 2017-12-31 00:00, which is over .* Wanted: a later time"):
        mute(loop, "a1", START - DAY, reason="x", **who)
    with pytest.raises(RefusedError, match="without a reason"):
        mute(loop, "a1", START + DAY, reason=" ", **who)
    with pytest.raises(UnknownNameError, match=r"no alert 'a7'. Wanted: one of: a1"):
        acknowledge(loop, "a7", **who)
    with pytest.raises(UnknownNameError, match="a1"):
        alert(loop, "a7", START)
    with pytest.raises(RefusedError, match="a1 is open"):
        unmute(loop, "a1", **who)
    acknowledge(loop, "a1", **who)
    with pytest.raises(RefusedError, match="acknowledged already, by bea"):
        acknowledge(loop, "a1", **who)
    with pytest.raises(RefusedError, match="before the last step"):
        mute(loop, "a1", START + DAY, actor="bea", as_of=START - DAY, reason="x")
    cycle(loop, START + WEEK)
    with pytest.raises(RefusedError, match="resolved since 2018-01-08"):
        mute(loop, "a1", START + 3 * WEEK, actor="bea", as_of=START + WEEK, reason="x")


def test_nobody_acknowledges_so_somebody_else_hears_of_it_once(workspace: Workspace, loop: Loop) -> None:
    loop = live(loop)
    cycle(loop, START, finding())
    assert escalate(loop, START + 2 * DAY, actor="policy") == []
    assert escalate(loop, START + 3 * DAY, actor="policy") == ["a1"]
    assert escalate(loop, START + 9 * DAY, actor="policy") == []
    assert alert(loop, "a1", START + 9 * DAY).owner == "dora"
    cycle(loop, START + 2 * WEEK, finding(), finding(subject="weight"))
    assert escalate(loop, START + 3 * WEEK, actor="policy") == ["a1"]


def test_a_cycle_escalates_too(loop: Loop) -> None:
    cycle(loop, START, finding())
    cycle(loop, START + WEEK, finding())
    assert kinds(loop) == ["raised", "escalated"]


def test_entry_and_message_are_one_transaction(
    workspace: Workspace, loop: Loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError

    (workspace.path / "alerts.toml").write_text('[hook]\nurl = "json://127.0.0.1:9"\npast = true\n')
    with monkeypatch.context() as patch:
        patch.setattr("loop_core.alerts.raising.enqueue", fail)
        with pytest.raises(RuntimeError):
            cycle(loop, START, finding())
    assert (kinds(loop), messages(workspace)) == ([], [])
    raise_alerts(loop, START, [finding()], actor="ana")
    assert [message.message_id for message in messages(workspace)] == ["orders.a1.raised.2.hook"]


def test_a_replayed_past_sends_nothing(workspace: Workspace, loop: Loop) -> None:
    (workspace.path / "alerts.toml").write_text('[hook]\nurl = "json://127.0.0.1:9"\n')
    cycle(loop, START, finding())
    assert messages(workspace) == []
    # A loop on the wall clock may be replayed, too.
    cycle(live(loop), START + WEEK, finding(), finding(subject="weight"))
    assert kinds(loop)[:2] == ["raised", "changed"]
    assert messages(workspace) == []


def test_a_channel_hears_what_it_asked_for(workspace: Workspace, loop: Loop) -> None:
    channels = {
        "all": "",
        "bea": 'owners = ["bea"]',
        "drift": 'stages = ["drift"]',
        "watch": 'severities = ["watch"]',
        "other": 'loops = ["x"]',
    }
    text = "".join(f'[{name}]\nurl = "json://127.0.0.1:9"\npast = true\n{what}\n' for name, what in channels.items())
    (workspace.path / "alerts.toml").write_text(text)
    loop = live(loop)
    cycle(loop, START, finding(), finding("service.errors", "e"))
    told = sorted((message.alert, message.channel) for message in messages(workspace))
    assert told == [("a1", "all"), ("a1", "bea"), ("a1", "drift"), ("a2", "all")]
    body = next(message.body for message in messages(workspace) if message.alert == "a1")
    for words in ("bea, this asks for you", "price is alarm", "loop alerts ack orders a1", "playbook drift.feature"):
        assert words in body


def test_a_broken_channel_file_keeps_no_alert_from_being_raised(workspace: Workspace, loop: Loop) -> None:
    (workspace.path / "alerts.toml").write_text("[hook\n")
    loop = live(loop)
    now = loop.ledger.entries()[-1].at
    assert len(cycle(loop, now, finding(window_start=now - WEEK, window_end=now))) == 1
    lost = messages(workspace)[0]
    assert (lost.status, lost.last_error) == (MessageStatus.FAILED, "alerts.toml could not be read")


def test_every_code_has_a_playbook_of_three_parts() -> None:
    metrics = {"log_loss", "brier", "auc"}
    assert {f"performance.{metric}" for metric in metrics} <= set(CODES)
    assert set(playbooks()) == set(CODES)
    for code in CODES:
        text = playbook(code)
        assert all(part in text for part in ("**What it means.**", "**How to check**", "**What to do**")), code
        assert len(text.splitlines()) <= 30, f"{code}: nobody reads so much at 8 am"
    with pytest.raises(UnknownNameError, match=r"drift\.feature"):
        playbook("drift.nonsense")


def test_every_code_of_the_source_is_registered() -> None:
    import re
    from pathlib import Path

    import loop_core
    from loop_core.charter import WATCHED_OF

    quoted = re.compile(r'"((?:signals|quality|drift|performance|feedback|service)\.[a-z_0-9]+)"')
    source = Path(loop_core.__file__).parent
    found = {code for file in source.rglob("*.py") for code in quoted.findall(file.read_text())}
    names = {name for watched in WATCHED_OF.values() for name in watched}
    assert found | {f"performance.{name}" for name in names} <= set(CODES)
    assert "drift.feature" in found


def test_no_measured_number_is_in_the_ledger(loop: Loop) -> None:
    """Sums over many rows differ in their last digit from run to run; two replays must agree to the letter."""
    cycle(loop, START, finding(value=0.123456789, impact=0.987654321))
    assert "0.1" not in str([(entry.payload, entry.reason) for entry in loop.entries("alert.")])
