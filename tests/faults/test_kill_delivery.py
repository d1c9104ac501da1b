"""kill -9 at random points of delivery: no message arrives twice, and whose fate is unknown is left to a person."""

from __future__ import annotations

import os
import random
from collections import Counter
from datetime import datetime, timedelta

import pytest

from loop_core.alerts import Message, MessageStatus, deliver, messages, resend
from loop_core.alerts.delivery import LEASE
from loop_core.clock import now
from loop_core.doctor import examine
from loop_core.workspace import Loop, Workspace
from tests.alerts.made import WEEK, cycle, finding, live
from tests.alerts.receivers import TAKE, Webhook, webhook
from tests.faults.kill import Steps, steps

KILLS = 100 if os.environ.get("LOOPBENCH_FAULTS") == "long" else 5
#: Messages that wait at each kill, at least.
EACH = 4
#: From one round to the next: whoever was killed in one is known to be dead in the next.
BETWEEN = LEASE + timedelta(minutes=1)


def told(loop: Loop, number: int) -> datetime:
    """So many alerts, each with a message → when all of them wait."""
    moment = now()
    sources = [finding(source=f"s{i}", window_start=moment - WEEK, window_end=moment) for i in range(number)]
    cycle(loop, moment, *sources)
    return now()


def all_of(workspace: Workspace) -> list[Message]:
    return messages(workspace, limit=10_000)


@pytest.mark.faults
def test_each_message_arrives_at_most_once(workspace: Workspace, loop: Loop) -> None:
    with webhook() as hook, steps() as program:
        (workspace.path / "alerts.toml").write_text(f'[hook]\nurl = "{hook.url}"\n')
        # A receiver that takes its time: most of the work is waiting for its word, and there most kills hit.
        hook.behave = [0.2]
        moment = campaign(program, workspace, live(loop), hook)
        hook.behave = [TAKE]
        deliver(workspace, now=moment)
        seen, found = Counter(hook.seen), all_of(workspace)
        assert max(seen.values()) == 1
        assert {message.status for message in found} <= {MessageStatus.SENT, MessageStatus.UNKNOWN}
        assert {m.message_id for m in found if m.status is MessageStatus.SENT} <= set(seen), "what is sent has arrived"
        in_doubt = [message for message in found if message.status is MessageStatus.UNKNOWN]
        assert 0 < len(in_doubt) <= KILLS, "at most the one that was being sent at each kill"
        assert all("ended before it could say" in message.last_error for message in in_doubt)
        checks = [check for check in examine(workspace, wall=moment) if check.check == "messages"]
        assert [check.sentence.split()[0] for check in checks] == [str(len(in_doubt))]
        # A person has them sent again: those arrive, and nothing else moves.
        for message in in_doubt:
            resend(loop, message.id, actor="bea", as_of=now())
        assert deliver(workspace, now=moment + BETWEEN).sent == len(in_doubt)
        assert Counter(hook.seen) - seen == Counter(message.message_id for message in in_doubt)
        assert {message.status for message in all_of(workspace)} == {MessageStatus.SENT}
    assert [check for check in examine(workspace, wall=moment) if check.state == "broken"] == []


def campaign(program: Steps, workspace: Workspace, loop: Loop, hook: Webhook) -> datetime:
    """Kill a sender at `KILLS` moments of its work → when the last dead one is known to be dead."""
    moment = told(loop, EACH) + timedelta(seconds=1)
    whole = program.run(workspace.path, "deliver", moment.isoformat())
    assert whole.acknowledged
    assert len(hook.seen) == EACH
    told(loop, EACH * (KILLS + 1))
    rng, died = random.Random(0), 0
    for _ in range(KILLS):
        moment += BETWEEN
        outcome = program.run(workspace.path, "deliver", moment.isoformat(), kill_after=rng.uniform(0, whole.seconds))
        died += not outcome.acknowledged
    assert died > 0, "no kill hit the work; the timing of this test is off"
    return moment + BETWEEN
