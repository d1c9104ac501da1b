"""Findings → ledger entries and messages, in one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache

from loop_core.alerts.alert import Alert, AlertState, Member
from loop_core.alerts.channels import Channel, load_channels
from loop_core.alerts.outbox import enqueue
from loop_core.alerts.policy import Step, plan
from loop_core.alerts.reading import alerts, findings_of, first_seen
from loop_core.alerts.state import Record, fold
from loop_core.alerts.words import Note, raised_note, resolved_note
from loop_core.errors import SourceError
from loop_core.ledger import Entry, LedgerTransaction
from loop_core.monitor import Finding, findings_at
from loop_core.workspace import Loop


def raise_alerts(loop: Loop, as_of: datetime, findings: Sequence[Finding], *, actor: str) -> list[Alert]:
    """Raise, change, resolve and escalate alerts by what a cycle found; doing it again changes nothing.

    Args:
        loop: the loop.
        as_of: the cycle's UTC instant. When a later cycle ran already, nothing happens: alerts go forward only.
        findings: all of that cycle; `record_findings` has kept them.
        actor: on record with every entry.

    Returns:
        The alerts that stand then.
    """
    seen = cache(lambda: first_seen(loop, as_of))
    round_ = _Round(loop, actor, findings)
    with loop.ledger.transaction() as tx:
        if all(entry.as_of <= as_of for entry in tx.entries(loop=loop.name, kind="cycle.ran")):
            entries = tx.entries(loop=loop.name, kind="alert.")
            # Somebody may have acted since the cycle began.
            moment = max([as_of, *(entry.as_of for entry in entries[-1:])])
            known = tuple(fold(entries).values())
            for step in plan(known, findings, loop.charter, moment, seen):
                round_.take(tx, step, moment)
            round_.escalate(tx, moment)
    return alerts(loop, as_of, findings=findings)


def escalate(loop: Loop, as_of: datetime, *, actor: str) -> list[str]:
    """Escalate what nobody acknowledged in the charter's time; the worker does so between cycles.

    Returns:
        Ids of the alerts escalated now.
    """
    after = timedelta(days=loop.charter.alerts.escalate_after_days)
    if not any(record.due(as_of, after) for record in fold(loop.entries("alert.", as_of)).values()):
        return []
    round_ = _Round(loop, actor, findings_at(loop, as_of))
    with loop.ledger.transaction() as tx:
        return round_.escalate(tx, as_of)


class _Round:
    """One look at the alerts of a loop: who looks, what was found, who wants to hear of it."""

    def __init__(self, loop: Loop, actor: str, findings: Sequence[Finding]) -> None:
        self.loop, self.actor = loop, actor
        self.current = {Member.of(finding): finding for finding in findings}
        self.channels = _channels(loop)

    def take(self, tx: LedgerTransaction, step: Step, as_of: datetime) -> None:
        """Write a step's entry, and with it its messages."""
        entry = tx.append(
            kind=step.kind,
            loop=self.loop.name,
            subject=step.subject,
            actor=self.actor,
            as_of=as_of,
            reason=step.reason,
            payload=step.payload,
        )
        record = fold(tx.entries(loop=self.loop.name, kind="alert."))[step.subject]
        if step.tells and record.state(as_of) is not AlertState.MUTED:
            enqueue(tx.connection, self.loop, entry, _note(self.loop, entry, record, self.current), self.channels)

    def escalate(self, tx: LedgerTransaction, as_of: datetime) -> list[str]:
        """Escalate what is due → ids."""
        policy = self.loop.charter.alerts
        records = fold(tx.entries(loop=self.loop.name, kind="alert.")).values()
        due = [record for record in records if record.due(as_of, timedelta(days=policy.escalate_after_days))]
        to = policy.escalate_to or self.loop.charter.roles.owner
        for record in due:
            payload = {"to": to, "from": record.owner}
            self.take(tx, Step("alert.escalated", record.id, "nobody acknowledged it", payload), as_of)
        return [record.id for record in due]


def _note(loop: Loop, entry: Entry, record: Record, current: Mapping[Member, Finding]) -> Note:
    event = entry.kind.split(".")[1]
    if event == "resolved":
        return resolved_note(loop.name, record, entry.reason)
    return raised_note(loop.name, record, findings_of(record, current), event)


def _channels(loop: Loop) -> tuple[Channel, ...] | None:
    """None: the file cannot be read, which must not keep an alert from being raised."""
    try:
        return load_channels(loop.workspace)
    except SourceError:
        return None
