"""The durable outbox: what shall be sent, was sent, could not be sent, or may have been sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from sqlalchemy import Connection, RowMapping, insert, select, update

from loop_core.alerts.channels import FILE, Channel
from loop_core.alerts.words import Note
from loop_core.errors import RefusedError, UnknownNameError
from loop_core.ledger import Entry, refuse_unseen
from loop_core.ledger.database import explained
from loop_core.ledger.schema import outbox as table
from loop_core.workspace import Loop, Workspace

#: An event this much older than its record belongs to a replayed past, of which nobody is told.
PAST = timedelta(days=2)


class MessageStatus(StrEnum):
    """Where a message is."""

    WAITING = "waiting"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    """Given up: certainly not delivered."""
    UNKNOWN = "unknown"
    """Handed over, and nobody can tell whether it arrived. Sent again only when a person says so."""


@dataclass(frozen=True)
class Message:
    """One message to one channel."""

    id: int
    message_id: str
    """The same in every attempt; the receiver gets it as a header and in the last line."""
    loop: str
    alert: str
    event: str
    """raised, changed, escalated or resolved."""
    channel: str
    title: str
    body: str
    status: MessageStatus
    attempts: int
    created_at: datetime
    next_try_at: datetime
    lease_until: datetime | None
    """Sending: until when an answer is expected."""
    last_error: str
    """In words; empty: none."""
    sent_at: datetime | None


def enqueue(
    connection: Connection, loop: Loop, entry: Entry, note: Note, channels: Sequence[Channel] | None
) -> list[str]:
    """Put an event's messages into the outbox, in the transaction of its ledger entry.

    Args:
        connection: of that transaction.
        loop: whose event it is.
        entry: the event.
        note: what to say.
        channels: of the workspace; None: their file cannot be read, which is kept as a failed message.

    Returns:
        The ids of the messages, one for each channel that wants to hear of it.
    """
    past = is_past(loop, entry)
    if channels is None:
        return [] if past else [_insert(connection, loop, entry, note, FILE, f"{FILE} could not be read")]
    wanted = [channel for channel in channels if channel.wants(loop.name, note) and (channel.past or not past)]
    return [_insert(connection, loop, entry, note, channel.name) for channel in wanted]


def is_past(loop: Loop, entry: Entry) -> bool:
    """Whether an event is of a replayed past: its loop lives in its data's time, or it was long over when recorded."""
    return loop.charter.loop.clock == "data" or entry.at - entry.as_of > PAST


def messages(
    ws: Workspace, *, loop: str | None = None, status: MessageStatus | None = None, limit: int = 50
) -> list[Message]:
    """The newest messages first, of one loop and status if given."""
    query = select(table).order_by(table.c.id.desc()).limit(limit)
    if loop is not None:
        query = query.where(table.c.loop == loop)
    if status is not None:
        query = query.where(table.c.status == MessageStatus(status).value)
    with explained(ws.ledger.url), ws.ledger.engine.connect() as connection:
        return [message_of(row) for row in connection.execute(query).mappings()]


def resend(loop: Loop, number: int, *, actor: str, as_of: datetime, reason: str = "", seen: int | None = None) -> None:
    """Have a message sent again that failed, or of which nobody knows whether it arrived. That is a person's decision.

    Raises:
        UnknownNameError: the loop has no such message. RefusedError: it waits, is on its way, was sent, or somebody had it
            sent again since it was seen (`seen`: length of the ledger then; None: nobody was shown anything).
    """
    with loop.ledger.transaction() as tx:
        mine = (table.c.id == number) & (table.c.loop == loop.name)
        row = tx.connection.execute(select(table).where(mine)).mappings().first()
        if row is None:
            known = tx.connection.execute(select(table.c.id).where(table.c.loop == loop.name)).scalars()
            raise UnknownNameError("message", number, list(known))
        if row["status"] not in (MessageStatus.FAILED.value, MessageStatus.UNKNOWN.value):
            raise RefusedError(f"Message {number} is {row['status']}", "a failed or unknown message", "nothing to do")
        sent = tx.entries(loop=loop.name, kind="alert.resent", subject=row["alert"])
        same = {"event": row["event"], "channel": row["channel"]}
        refuse_unseen(f"message {number}", [entry for entry in sent if entry.payload == same], seen)
        entry = tx.append(
            kind="alert.resent",
            loop=loop.name,
            subject=row["alert"],
            actor=actor,
            as_of=as_of,
            reason=reason,
            payload=same,
        )
        values = {"status": MessageStatus.WAITING.value, "attempts": 0, "created_at": iso(entry.at)}
        tx.connection.execute(update(table).where(mine).values(**values, next_try_at=iso(entry.at), last_error=""))


def message_of(row: RowMapping) -> Message:
    """A row of the outbox → Message."""
    values = dict(row)
    for name in ("created_at", "next_try_at", "lease_until", "sent_at"):
        values[name] = datetime.fromisoformat(values[name]) if values[name] else None
    return Message(**{**values, "status": MessageStatus(values["status"])})


def iso(moment: datetime) -> str:
    """An instant as the table stores it: UTC with microseconds, so that texts sort as the instants do."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def _insert(connection: Connection, loop: Loop, entry: Entry, note: Note, channel: str, error: str = "") -> str:
    event = entry.kind.split(".")[1]
    message_id = f"{loop.name}.{entry.subject}.{event}.{entry.seq}.{channel}"
    row = {
        "message_id": message_id,
        "loop": loop.name,
        "alert": entry.subject,
        "event": event,
        "channel": channel,
        "title": note.title,
        "body": note.body,
        "status": MessageStatus.FAILED.value if error else MessageStatus.WAITING.value,
        "attempts": 0,
        "created_at": iso(entry.at),
        "next_try_at": iso(entry.at),
        "last_error": error,
    }
    connection.execute(insert(table).values(row))
    return message_id
