"""Is the outbox whole? What each message tells of is on record, and nothing waits that should have gone out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import and_, func, select

from loop_core.alerts.outbox import MessageStatus, iso
from loop_core.ledger.database import explained
from loop_core.ledger.schema import outbox as table
from loop_core.workspace import Workspace

#: A worker makes a round every few seconds; what has been due for so long waits for one that does not run.
LONG = timedelta(hours=1)


@dataclass(frozen=True)
class OutboxState:
    """The outbox at an instant."""

    messages: int
    """All there are."""
    unrecorded: tuple[str, ...]
    """Ids of messages about an event that the ledger does not have, or that are sent and nobody noted when."""
    overdue: int
    """Due for more than an hour, or being sent by a process that is gone."""
    in_doubt: int
    """Given up, or of unknown fate: for a person to send again, or to leave."""


def outbox_state(ws: Workspace, now: datetime) -> OutboxState:
    """Look at every message; changes nothing.

    Args:
        ws: the workspace.
        now: the wall clock's UTC instant.
    """
    status, late = table.c.status, iso(now - LONG)
    waits = and_(status == MessageStatus.WAITING.value, table.c.next_try_at < late)
    stuck = and_(status == MessageStatus.SENDING.value, table.c.lease_until < late)
    doubt = status.in_([MessageStatus.FAILED.value, MessageStatus.UNKNOWN.value])
    counts = select(func.count(), func.count().filter(waits | stuck), func.count().filter(doubt))
    on_record = {
        f"{e.loop}.{e.subject}.{e.kind.removeprefix('alert.')}.{e.seq}" for e in ws.ledger.entries(kind="alert.")
    }
    with explained(ws.ledger.url), ws.ledger.engine.connect() as connection:
        counted = connection.execute(counts).one()
        rows = connection.execute(select(table).order_by(table.c.id)).mappings().all()
    # The channel stands behind the event in a message's id, whatever it is called.
    unrecorded = [
        row["message_id"]
        for row in rows
        if row["message_id"].removesuffix(f".{row['channel']}") not in on_record
        or (row["status"] == MessageStatus.SENT.value and row["sent_at"] is None)
    ]
    return OutboxState(counted[0], tuple(unrecorded), overdue=counted[1], in_doubt=counted[2])
