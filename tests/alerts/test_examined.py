"""What the doctor finds in the outbox."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import update

from loop_core.alerts import deliver, messages, outbox_state
from loop_core.doctor import examine
from loop_core.ledger.schema import outbox
from loop_core.workspace import Loop, Workspace
from tests.alerts.receivers import webhook
from tests.alerts.test_delivery import channels, raised

HOUR = timedelta(hours=1)


def told(workspace: Workspace, wall) -> list[tuple[str, str]]:
    return [(check.state, check.sentence) for check in examine(workspace, wall=wall) if check.check == "messages"]


def test_messages_that_went_out_are_whole_and_those_long_due_are_said(workspace: Workspace, loop: Loop) -> None:
    with webhook() as hook:
        channels(workspace, hook=hook.url)
        moment = raised(loop, 2)
        assert told(workspace, moment) == [("whole", "2 messages, each about an event on record.")]
        assert told(workspace, moment + 2 * HOUR) == [("note", "2 messages should have gone out more than an hour ago")]
        deliver(workspace, now=moment)
    assert told(workspace, moment + 2 * HOUR)[0][0] == "whole"


def test_one_whose_sender_died_and_one_in_doubt_are_said(workspace: Workspace, loop: Loop) -> None:
    channels(workspace, hook="json://127.0.0.1:9")
    moment = raised(loop, 3)
    late = (moment - 2 * HOUR).isoformat(timespec="microseconds")
    for number, values in ((1, {"status": "sending", "lease_until": late}), (2, {"status": "unknown"})):
        change(workspace, number, values)
    state = outbox_state(workspace, moment)
    assert (state.messages, state.overdue, state.in_doubt, state.unrecorded) == (3, 1, 1, ())


def test_a_message_about_nothing_on_record_is_broken(workspace: Workspace, loop: Loop) -> None:
    channels(workspace, hook="json://127.0.0.1:9")
    moment = raised(loop, 3)
    made_up = messages(workspace)[0].message_id.replace(".raised.", ".raised.9")
    change(workspace, 1, {"message_id": made_up})
    change(workspace, 2, {"status": "sent"})
    ((state, sentence),) = told(workspace, moment)
    assert (state, sentence.split(",")[0]) == ("broken", "2 messages tell of what is not on record")


def test_a_channel_file_that_cannot_be_read_leaves_a_message_in_doubt_not_a_broken_one(
    workspace: Workspace, loop: Loop
) -> None:
    (workspace.path / "alerts.toml").write_text("[hook")
    moment = raised(loop)
    assert told(workspace, moment) == [("note", "1 messages were given up or may not have arrived")]


def change(workspace: Workspace, number: int, values: dict[str, str]) -> None:
    with workspace.ledger.engine.begin() as connection:
        connection.execute(update(outbox).where(outbox.c.id == number).values(**values))
