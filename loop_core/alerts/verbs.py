"""What people do with an alert. Each verb checks and records in one ledger transaction."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from loop_core.alerts.alert import AlertState
from loop_core.alerts.state import Record, fold
from loop_core.errors import RefusedError, UnknownNameError
from loop_core.ledger import Entry, LedgerTransaction, refuse_unseen
from loop_core.workspace import Loop


def acknowledge(
    loop: Loop, alert_id: str, *, actor: str, as_of: datetime, reason: str = "", seen: int | None = None
) -> Entry:
    """Say that one looks at it: it is not escalated any more. New findings open it again.

    `seen`, here and below: length of the ledger when the alert was shown; None: nobody was shown anything.

    Raises:
        UnknownNameError: no such alert. RefusedError: it is resolved, acknowledged already, or changed since it was seen.
    """
    with _acting(loop, alert_id, as_of, seen) as (tx, record):
        if record.acknowledged_by is not None:
            raise RefusedError(
                f"{alert_id} is acknowledged already, by {record.acknowledged_by}",
                "an alert nobody looks at yet",
                f"ask {record.acknowledged_by}",
            )
        return tx.append(
            kind="alert.acknowledged", loop=loop.name, subject=alert_id, actor=actor, as_of=as_of, reason=reason
        )


def mute(
    loop: Loop, alert_id: str, until: datetime, *, actor: str, as_of: datetime, reason: str, seen: int | None = None
) -> Entry:
    """Silence an alert until an instant, also if it is resolved and comes back before; muted again: another instant.

    Raises:
        UnknownNameError: no such alert. RefusedError: no reason, an instant that has passed, or it is resolved.
    """
    if not reason.strip():
        raise RefusedError(f"A mute of {alert_id} without a reason", "why it may be silent, in a sentence", "give one")
    if until <= as_of:
        raise RefusedError(
            f"{alert_id} cannot be muted until {_said(until)}, which is over (it is {_said(as_of)})",
            "a later time",
            "choose a day to come",
        )
    with _acting(loop, alert_id, as_of, seen) as (tx, _):
        return tx.append(
            kind="alert.muted", loop=loop.name, subject=alert_id, actor=actor, as_of=as_of, reason=reason,
            payload={"until": until.isoformat()},
        )  # fmt: skip


def unmute(
    loop: Loop, alert_id: str, *, actor: str, as_of: datetime, reason: str = "", seen: int | None = None
) -> Entry:
    """Let a muted alert speak again.

    Raises:
        UnknownNameError: no such alert. RefusedError: it is not muted.
    """
    with _acting(loop, alert_id, as_of, seen) as (tx, record):
        if record.state(as_of) is not AlertState.MUTED:
            raise RefusedError(f"{alert_id} is {record.state(as_of)}", "a muted alert", "nothing to do")
        return tx.append(
            kind="alert.unmuted", loop=loop.name, subject=alert_id, actor=actor, as_of=as_of, reason=reason
        )


@contextmanager
def _acting(loop: Loop, alert_id: str, as_of: datetime, seen: int | None) -> Iterator[tuple[LedgerTransaction, Record]]:
    """The write lock, and an alert that is not resolved and is as it was seen; time may not run backwards between entries."""
    with loop.ledger.transaction() as tx:
        entries = tx.entries(loop=loop.name, kind="alert.")
        records = fold(entries)
        if alert_id not in records:
            raise UnknownNameError("alert", alert_id, records)
        if as_of < entries[-1].as_of:
            raise RefusedError(
                f"As of {_said(as_of)} lies before the last step of an alert ({_said(entries[-1].as_of)})",
                "a time at or after it",
                "act in the loop's present",
            )
        refuse_unseen(f"alert {alert_id}", [entry for entry in entries if entry.subject == alert_id], seen)
        record = records[alert_id]
        if record.resolved_at is not None:
            raise RefusedError(
                f"{alert_id} is resolved since {_said(record.resolved_at)}", "an alert that stands", "nothing to do"
            )
        yield tx, record


def _said(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M}"
