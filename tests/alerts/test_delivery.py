"""The outbox against real receivers: down, failing, slow, hanging up; and senders that are killed with -9."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import inspect, text

from loop_core.alerts import Message, MessageStatus, deliver, messages, resend
from loop_core.alerts.channels import Channel
from loop_core.alerts.delivery import GIVE_UP, LEASE
from loop_core.alerts.send import Outcome, described, post
from loop_core.clock import now
from loop_core.errors import RefusedError, SourceError, UnknownNameError
from loop_core.ledger.database import TABLES, open_database
from loop_core.workspace import Loop, Workspace
from tests.alerts.made import WEEK, cycle, finding, live
from tests.alerts.receivers import Webhook, mail_server, webhook

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


@pytest.fixture
def hook() -> Iterator[Webhook]:
    with webhook() as receiver:
        yield receiver


def channels(ws: Workspace, **urls: str) -> None:
    """Write `alerts.toml`."""
    lines = [f'[{name}]\nurl = "{url}"' for name, url in urls.items()]
    (ws.path / "alerts.toml").write_text("\n".join(lines))


def raised(loop: Loop, number: int = 1) -> datetime:
    """So many alerts now → now."""
    loop, moment = live(loop), now()
    old = {"window_start": moment - WEEK, "window_end": moment}
    sources = [finding(source=f"s{i}", **old) for i in range(number)]
    assert len(cycle(loop, moment, *sources)) == number
    return now() + timedelta(seconds=1)


def only(ws: Workspace) -> Message:
    (found,) = messages(ws)
    return found


def test_a_message_arrives_once_with_its_id(workspace: Workspace, loop: Loop, hook: Webhook) -> None:
    channels(workspace, hook=hook.url)
    moment = raised(loop)
    assert deliver(workspace, now=moment).sent == 1
    assert deliver(workspace, now=moment + HOUR).sent == 0
    message = only(workspace)
    assert hook.taken == [message.message_id]
    assert (message.status, message.attempts, message.last_error) == (MessageStatus.SENT, 1, "")
    assert message.sent_at is not None
    assert hook.bodies[0]["title"].startswith("[orders] a1 raised: drift of price")
    assert message.message_id in hook.bodies[0]["message"]


def test_a_webhook_down_for_an_hour_gets_every_message_once(workspace: Workspace, loop: Loop) -> None:
    with webhook() as gone:
        port = int(gone.url.split(":")[2].split("/")[0])
    channels(workspace, hook=gone.url)
    moment = raised(loop, 3)
    for minute in range(60):
        report = deliver(workspace, now=moment + minute * MINUTE)
        assert (report.sent, report.unknown, report.waiting) == (0, 0, 3)
    assert all(message.last_error == "connection refused" for message in messages(workspace))
    assert max(message.attempts for message in messages(workspace)) <= 7, "pauses grow"
    with webhook(port) as back:
        for minute in range(60, 200):
            deliver(workspace, now=moment + minute * MINUTE)
        assert sorted(back.taken) == sorted(message.message_id for message in messages(workspace))
    assert {message.status for message in messages(workspace)} == {MessageStatus.SENT}


def test_errors_of_the_receiver_are_tried_again(workspace: Workspace, loop: Loop, hook: Webhook) -> None:
    hook.behave = [500, 503, 404, "take"]
    channels(workspace, hook=hook.url)
    moment = raised(loop)
    errors = []
    for wait in (0, 1, 3, 7):
        deliver(workspace, now=moment + wait * MINUTE + timedelta(seconds=wait))
        errors.append(only(workspace).last_error)
    assert errors == ["it answered HTTP 500", "it answered HTTP 503", "it answered HTTP 404", ""]
    assert (len(hook.seen), len(hook.taken)) == (4, 1)


@pytest.mark.parametrize(
    ("behaviour", "said"),
    [("hang up", "the connection broke"), (1.5, "no answer in time"), (504, "it answered HTTP 504")],
)
def test_what_may_have_arrived_is_never_sent_again_by_itself(
    workspace: Workspace, loop: Loop, hook: Webhook, behaviour: object, said: str
) -> None:
    hook.behave = [behaviour, "take"]
    channels(workspace, hook=f"{hook.url}?rto=0.3")
    moment = raised(loop)
    assert deliver(workspace, now=moment).unknown == 1
    for days in range(5):
        deliver(workspace, now=moment + timedelta(days=days))
    message = only(workspace)
    assert message.status is MessageStatus.UNKNOWN
    assert said in message.last_error
    assert len(hook.seen) == 1
    # A person may.
    resend(workspace.loop("orders"), message.id, actor="bea", as_of=now(), reason="they never saw it")
    deliver(workspace, now=now() + MINUTE)
    assert hook.seen == [message.message_id] * 2
    assert only(workspace).status is MessageStatus.SENT
    assert workspace.ledger.entries()[-1].kind == "alert.resent"


def test_a_slow_answer_is_an_answer(workspace: Workspace, loop: Loop, hook: Webhook) -> None:
    hook.behave = [1.0]
    channels(workspace, hook=hook.url)
    assert deliver(workspace, now=raised(loop)).sent == 1


def test_it_gives_up_after_days_and_says_so(workspace: Workspace, loop: Loop, hook: Webhook) -> None:
    hook.behave = [500]
    channels(workspace, hook=hook.url)
    moment = raised(loop)
    for hour in range(5 * 24):
        deliver(workspace, now=moment + hour * HOUR)
    message = only(workspace)
    assert (message.status, message.last_error) == (MessageStatus.FAILED, "it answered HTTP 500")
    assert 10 < message.attempts < 25
    assert message.next_try_at - message.created_at > GIVE_UP


def test_one_dead_channel_does_not_hold_up_the_others(workspace: Workspace, loop: Loop, hook: Webhook) -> None:
    with webhook() as gone:
        pass
    channels(workspace, dead=gone.url, hook=hook.url)
    report = deliver(workspace, now=raised(loop, 3))
    assert (report.sent, report.refused, report.waiting) == (3, 1, 3)


def test_a_channel_that_was_taken_away_and_a_file_that_broke(workspace: Workspace, loop: Loop, hook: Webhook) -> None:
    channels(workspace, hook=hook.url)
    moment = raised(loop)
    (workspace.path / "alerts.toml").write_text("[hook")
    with pytest.raises(SourceError, match=r"alerts.toml cannot be read"):
        deliver(workspace, now=moment)
    channels(workspace, other=hook.url)
    deliver(workspace, now=moment)
    assert only(workspace).last_error == "alerts.toml has no channel hook any more"
    channels(workspace, hook=hook.url)
    assert deliver(workspace, now=moment + 2 * MINUTE).sent == 1


def test_many_senders_at_once_send_each_message_once(workspace: Workspace, loop: Loop, hook: Webhook) -> None:
    channels(workspace, hook=hook.url)
    moment = raised(loop, 12)
    threads = [threading.Thread(target=deliver, args=(workspace,), kwargs={"now": moment}) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(hook.seen) == sorted(message.message_id for message in messages(workspace))


# -- killed senders -------------------------------------------------------------------------------------------


def in_a_child(folder: Path, moment: datetime, send=post) -> int:  # type: ignore[no-untyped-def]
    """Deliver in a process of its own → the signal that ended it, 0: none."""
    child = os.fork()
    if child == 0:
        try:
            with Workspace.open(folder) as ws:
                deliver(ws, now=moment, send=send)
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) * -1


def die(*_: object) -> Outcome:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


def send_and_die(channel: Channel, title: str, body: str, message_id: str) -> Outcome:
    post(channel, title, body, message_id)
    return die()


@pytest.mark.faults
@pytest.mark.parametrize(("point", "arrived"), [(die, 0), (send_and_die, 1)])
def test_a_sender_killed_before_or_after_sending(
    workspace: Workspace, loop: Loop, hook: Webhook, point: object, arrived: int
) -> None:
    channels(workspace, hook=hook.url)
    moment = raised(loop)
    assert in_a_child(workspace.path, moment, point) == signal.SIGKILL
    assert deliver(workspace, now=moment + MINUTE).unknown == 0, "it may still be on its way"
    assert deliver(workspace, now=moment + LEASE + MINUTE).unknown == 1
    for days in range(4):
        deliver(workspace, now=moment + timedelta(days=days))
    message = only(workspace)
    assert (message.status, len(hook.seen)) == (MessageStatus.UNKNOWN, arrived)
    assert "ended before it could say" in message.last_error


@pytest.mark.faults
def test_a_sender_killed_while_it_waits_for_the_answer(workspace: Workspace, loop: Loop, hook: Webhook) -> None:
    children: list[int] = []
    hook.behave = [lambda: os.kill(children[0], signal.SIGKILL), "take"]
    channels(workspace, hook=hook.url)
    moment = raised(loop, 2)
    gate = os.pipe()
    child = os.fork()
    if child == 0:
        os.read(gate[0], 1)
        with Workspace.open(workspace.path) as ws:
            deliver(ws, now=moment)
        os._exit(0)
    children.append(child)
    os.write(gate[1], b"x")
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
    deliver(workspace, now=moment + LEASE + MINUTE)
    states = {message.message_id: message.status for message in messages(workspace)}
    assert sorted(states.values()) == [MessageStatus.SENT, MessageStatus.UNKNOWN]
    assert sorted(hook.seen) == sorted(states), "each was seen once"


@pytest.mark.faults
def test_killed_between_entry_and_commit_neither_is_there(workspace: Workspace, loop: Loop) -> None:
    channels(workspace, hook="json://127.0.0.1:9")
    live(loop)
    program = [sys.executable, "-m", "tests.alerts.dying", str(workspace.path)]
    assert subprocess.run(program, cwd=Path(__file__).parents[2]).returncode == -signal.SIGKILL
    assert messages(workspace) == []
    assert workspace.ledger.entries(kind="alert.") == []
    raised(loop)
    assert only(workspace).status is MessageStatus.WAITING


# -- mail, addresses, databases -------------------------------------------------------------------------------


def test_mail_goes_out(workspace: Workspace, loop: Loop) -> None:
    with mail_server() as (port, accepted):
        address = f"mailto://127.0.0.1:{port}?from=loop@example.org&to=ana@example.org&mode=insecure"
        channels(workspace, mail=address)
        moment = raised(loop)
        assert deliver(workspace, now=moment).sent == 1
    assert f"X-Loopbench-Message: {only(workspace).message_id}" in accepted[0]
    assert "ana@example.org" in accepted[0]


def test_a_mail_server_that_says_no_is_asked_again(workspace: Workspace, loop: Loop) -> None:
    answers = iter(["450 later"])
    with mail_server(lambda line: next(answers, None) if line.startswith(("rcpt", "RCPT")) else None) as (port, taken):
        address = f"mailto://127.0.0.1:{port}?from=loop@example.org&to=ana@example.org&mode=insecure"
        channels(workspace, mail=address)
        moment = raised(loop)
        assert deliver(workspace, now=moment).refused == 1
        assert "450" in only(workspace).last_error
        assert deliver(workspace, now=moment + 2 * MINUTE).sent == 1
    assert len(taken) == 1


@pytest.mark.parametrize("url", ["nonsense", "jsonz://127.0.0.1", "json://", "mailto://"])
def test_an_address_that_is_none_is_said_without_showing_it(url: str) -> None:
    with pytest.raises(SourceError, match=r"channel chat .* is no address apprise knows. Wanted: .* To do:"):
        post(Channel(name="chat", url=url), "t", "b", "m")


def test_secrets_stay_out_of_words(caplog: pytest.LogCaptureFixture) -> None:
    channel = Channel(name="chat", url="json://user:hunter2@127.0.0.1:1/secretpath")
    outcome = post(channel, "t", "b", "m")
    assert (outcome.status, outcome.error) == ("refused", "connection refused")
    shown = described(channel) + repr(channel) + outcome.error + caplog.text
    assert "hunter2" not in shown
    assert "secretpath" not in shown
    assert described(channel) == "JSON at 127.0.0.1"


def test_one_receiver_a_channel() -> None:
    url = "mailto://127.0.0.1?from=loop@example.org&to=ana@example.org,bo@example.org&mode=insecure"
    with pytest.raises(SourceError, match="one receiver a channel"):
        described(Channel(name="mail", url=url))


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('url = "json://h"\nstages = ["drfit"]', "stages"),
        ('adress = "x"', "url"),
        ('url = ""', "url"),
        ('url = "json://h"\nname = "x"', "name"),
    ],
)
def test_a_channel_with_a_mistake(workspace: Workspace, line: str, said: str) -> None:
    from loop_core.alerts import load_channels

    (workspace.path / "alerts.toml").write_text(f"[chat]\n{line}\n")
    with pytest.raises(SourceError, match=rf"channel chat: .*{said}"):
        load_channels(workspace)


def test_what_waits_or_is_unknown_cannot_be_resent(workspace: Workspace, loop: Loop, hook: Webhook) -> None:
    channels(workspace, hook=hook.url)
    raised(loop)
    with pytest.raises(RefusedError, match="is waiting"):
        resend(workspace.loop("orders"), only(workspace).id, actor="bea", as_of=now())
    with pytest.raises(UnknownNameError, match="no message 99"):
        resend(workspace.loop("orders"), 99, actor="bea", as_of=now())


def test_a_ledger_of_the_first_schema_gets_its_outbox(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'old.sqlite'}"
    engine = open_database(url, create=True)
    with engine.begin() as connection:
        connection.execute(text("drop table loopbench_outbox"))
        connection.execute(text("update loopbench_schema set version_num = '0001'"))
    engine.dispose()
    engine = open_database(url)
    assert inspect(engine).has_table("loopbench_outbox")
    with engine.connect() as connection:
        assert connection.execute(text("select version_num from loopbench_schema")).scalar() == TABLES
    engine.dispose()


@pytest.mark.postgres
def test_the_same_on_postgresql(database: str, tmp_path: Path, hook: Webhook) -> None:
    from tests.conftest import CHARTER, START

    with Workspace.create(tmp_path / "w", catalog=database) as ws:
        loop = ws.set_charter(CHARTER, actor="ana", reason="first", as_of=START)
        channels(ws, hook=hook.url)
        hook.behave = [500, "take"]
        moment = raised(loop, 6)
        deliver(ws, now=moment)
        threads = [threading.Thread(target=deliver, args=(ws,), kwargs={"now": moment + HOUR}) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(hook.taken) == sorted(message.message_id for message in messages(ws))
        assert ws.ledger.verify().broken_at is None
