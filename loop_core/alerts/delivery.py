"""Empties the outbox: claim, send, mark.

The guarantee: a message is *accepted at most once*. It is sent again only while it is certain that it was not taken
(no connection, an error as answer); then with growing pauses, for days. Between handing it over and noting the answer
the process may be killed or the line may break: then nobody can know whether it arrived, and it is kept as `unknown`
and shown, not sent again. Every attempt carries the same message id.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select, update

from loop_core.alerts.channels import Channel, load_channels
from loop_core.alerts.outbox import Message, MessageStatus, iso, message_of
from loop_core.alerts.send import Outcome, post
from loop_core.errors import SourceError
from loop_core.ledger.database import explained, writing
from loop_core.ledger.schema import outbox as table
from loop_core.workspace import Workspace

#: Longer than any attempt can take: whoever has not said by then what came of it is dead.
LEASE = timedelta(minutes=5)
#: Pause after the first refusal, doubled with each further one up to the longest.
FIRST_PAUSE, LONGEST_PAUSE = timedelta(minutes=1), timedelta(hours=6)
#: A message that was refused for so long is given up.
GIVE_UP = timedelta(days=3)

Post = Callable[[Channel, str, str, str], Outcome]


@dataclass(frozen=True)
class DeliveryReport:
    """What one round of delivery did."""

    sent: int
    refused: int
    """Certainly not delivered; they will be tried again."""
    failed: int
    """Given up."""
    unknown: int
    """Of which nobody can tell whether they arrived; they are not sent again."""
    waiting: int
    """Still waiting afterwards, for their next try."""


def deliver(ws: Workspace, *, now: datetime, send: Post = post) -> DeliveryReport:
    """Send every message that is due. Any number of processes may do so at once; each message is one process's.

    Args:
        ws: the workspace.
        now: the wall clock's UTC instant.
        send: hands one message over.

    Raises:
        SourceError: `alerts.toml` cannot be read. The messages wait.
    """
    begun, count, down = time.monotonic(), Counter[str](), set[str]()
    if not _anything(ws, now):
        return _report(ws, count)
    channels = {channel.name: channel for channel in load_channels(ws)}
    count["unknown"] += _settle(ws, now)

    def clock() -> datetime:
        return now + timedelta(seconds=time.monotonic() - begun)

    while (message := _claim(ws, clock(), down)) is not None:
        status = _attempt(ws, message, channels, send, clock)
        count[status] += 1
        if status == "refused":
            # Who refuses one message would refuse the next, after as long a wait.
            down.add(message.channel)
    return _report(ws, count)


def pause(attempts: int) -> timedelta:
    """How long to wait after so many refusals.

    >>> [pause(n).seconds // 60 for n in (1, 2, 3, 9, 100)]
    [1, 2, 4, 256, 360]
    """
    doubled: int = 2 ** min(attempts - 1, 20)
    return min(FIRST_PAUSE * doubled, LONGEST_PAUSE)


def _attempt(
    ws: Workspace, message: Message, channels: Mapping[str, Channel], send: Post, clock: Callable[[], datetime]
) -> str:
    channel = channels.get(message.channel)
    if channel is None:
        outcome = Outcome("refused", f"alerts.toml has no channel {message.channel} any more")
    else:
        try:
            outcome = send(channel, message.title, message.body, message.message_id)
        except SourceError as error:
            outcome = Outcome("refused", str(error))
    return _mark(ws, message, outcome, clock())


def _anything(ws: Workspace, now: datetime) -> bool:
    """A look without the write lock: most rounds have nothing to do."""
    due = (table.c.status == MessageStatus.WAITING.value) & (table.c.next_try_at <= iso(now))
    with explained(ws.ledger.url), ws.ledger.engine.connect() as connection:
        query = select(table.c.id).where(due | (table.c.status == MessageStatus.SENDING.value)).limit(1)
        return connection.execute(query).first() is not None


def _settle(ws: Workspace, now: datetime) -> int:
    """Messages whose sender never said what came of them."""
    stale = (table.c.status == MessageStatus.SENDING.value) & (table.c.lease_until < iso(now))
    said = "the process that was sending it ended before it could say whether it arrived"
    with writing(ws.ledger.engine) as connection:
        done = connection.execute(
            update(table).where(stale).values(status=MessageStatus.UNKNOWN.value, lease_until=None, last_error=said)
        )
        return int(done.rowcount)


def _claim(ws: Workspace, moment: datetime, down: set[str]) -> Message | None:
    """The oldest message that is due, now this process's; committed before anything is sent."""
    due = (table.c.status == MessageStatus.WAITING.value) & (table.c.next_try_at <= iso(moment))
    with writing(ws.ledger.engine) as connection:
        query = select(table).where(due & table.c.channel.not_in(down)).order_by(table.c.id).limit(1)
        row = connection.execute(query).mappings().first()
        if row is None:
            return None
        values = {
            "status": MessageStatus.SENDING.value,
            "attempts": row["attempts"] + 1,
            "lease_until": iso(moment + LEASE),
        }
        connection.execute(update(table).where(table.c.id == row["id"]).values(**values))
        return message_of(connection.execute(select(table).where(table.c.id == row["id"])).mappings().one())


def _mark(ws: Workspace, message: Message, outcome: Outcome, moment: datetime) -> str:
    """Note what came of it, unless somebody else settled it meanwhile."""
    values: dict[str, object] = {"last_error": outcome.error, "lease_until": None, "status": outcome.status}
    if outcome.status == "sent":
        values |= {"sent_at": iso(moment)}
    elif outcome.status == "refused":
        again = moment + pause(message.attempts)
        given_up = again - message.created_at > GIVE_UP
        status = MessageStatus.FAILED if given_up else MessageStatus.WAITING
        values |= {"status": status.value, "next_try_at": iso(again)}
    mine = (table.c.id == message.id) & (table.c.status == MessageStatus.SENDING.value)
    with writing(ws.ledger.engine) as connection:
        connection.execute(update(table).where(mine & (table.c.attempts == message.attempts)).values(**values))
    return "failed" if values["status"] == MessageStatus.FAILED.value else outcome.status


def _report(ws: Workspace, count: Mapping[str, int]) -> DeliveryReport:
    waits = select(table.c.id).where(table.c.status == MessageStatus.WAITING.value)
    with explained(ws.ledger.url), ws.ledger.engine.connect() as connection:
        waiting = len(connection.execute(waits).all())
    return DeliveryReport(
        sent=count.get("sent", 0),
        refused=count.get("refused", 0),
        failed=count.get("failed", 0),
        unknown=count.get("unknown", 0),
        waiting=waiting,
    )
