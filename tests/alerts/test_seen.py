"""An act on an alert or a message is refused when somebody else acted on it since it was shown, and nothing changes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from loop_core.alerts import acknowledge, deliver, messages, mute, resend, unmute
from loop_core.clock import now
from loop_core.errors import RefusedError
from loop_core.workspace import Loop, Workspace
from tests.alerts.made import DAY, WEEK, cycle, finding, live
from tests.alerts.receivers import webhook
from tests.conftest import START

Act = Callable[..., object]


def acts(loop: Loop) -> dict[str, Act]:
    who = {"actor": "ana", "as_of": START + DAY, "reason": "a drill"}
    return {
        "acknowledge": lambda **more: acknowledge(loop, "a1", **who, **more),
        "mute": lambda **more: mute(loop, "a1", START + WEEK, **who, **more),
        "unmute": lambda **more: unmute(loop, "a1", **who, **more),
    }


@pytest.mark.parametrize("verb", ["acknowledge", "mute", "unmute"])
def test_an_alert_that_somebody_muted_is_looked_at_again(loop: Loop, verb: str) -> None:
    loop = live(loop)
    cycle(loop, START, finding())
    seen = loop.ledger.length()
    mute(loop, "a1", START + 2 * WEEK, actor="bo", as_of=START + DAY, reason="known")
    before = loop.ledger.length()
    with pytest.raises(RefusedError, match="Alert a1 changed since you looked: bo muted a1"):
        acts(loop)[verb](seen=seen)
    assert loop.ledger.length() == before
    acts(loop)[verb](seen=before)


def test_a_message_that_somebody_sent_again_is_looked_at_again(workspace: Workspace, loop: Loop) -> None:
    """It hangs up twice, so that the message is open to be sent again both times."""
    with webhook() as hook:
        hook.behave = ["hang up", "hang up"]
        (workspace.path / "alerts.toml").write_text(f'[hook]\nurl = "{hook.url}"')
        loop, moment = live(loop), now()
        cycle(loop, moment, finding(window_start=moment - WEEK, window_end=moment))
        deliver(workspace, now=now() + timedelta(seconds=1))
        (message,) = messages(workspace)
        seen = loop.ledger.length()
        resend(loop, message.id, actor="bo", as_of=now())
        assert deliver(workspace, now=now() + timedelta(minutes=1)).unknown == 1
        before = loop.ledger.length()
        with pytest.raises(RefusedError, match=f"Message {message.id} changed since you looked: bo resent a1"):
            resend(loop, message.id, actor="ana", as_of=now(), seen=seen)
        assert loop.ledger.length() == before
