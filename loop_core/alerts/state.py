"""Alerts as a fold over ledger entries: nothing is stored twice, and the past can be read at any instant."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from loop_core.alerts.alert import AlertState, Handling, Member
from loop_core.ledger import Entry
from loop_core.vocabulary import State


@dataclass(frozen=True)
class Record(Handling):
    """What the ledger says of one alert."""

    id: str
    cause: str
    severity: State
    owner: str
    members: frozenset[Member]
    """Every finding it ever had."""
    first_seen: datetime
    raised_at: datetime
    waits_since: datetime
    """Since when somebody should have looked: raised, reopened or unmuted."""

    def state(self, as_of: datetime) -> AlertState:
        """Where it is at an instant not before its last entry."""
        if self.resolved_at is not None:
            return AlertState.RESOLVED
        if self.muted_until is not None and as_of < self.muted_until:
            return AlertState.MUTED
        return AlertState.OPEN if self.acknowledged_by is None else AlertState.ACKNOWLEDGED

    def due(self, as_of: datetime, after: timedelta) -> bool:
        """Whether it waited long enough for somebody else to hear of it."""
        waited = as_of - max(self.waits_since, self.muted_until or self.waits_since)
        return self.state(as_of) is AlertState.OPEN and self.escalated_at is None and waited >= after


def fold(entries: Iterable[Entry]) -> dict[str, Record]:
    """Entries of kind `alert.…` in order → the alerts, in the order they were raised.

    What does not apply changes nothing (a resolved alert stays resolved), so any prefix of a ledger has a state.
    """
    records: dict[str, Record] = {}
    for entry in entries:
        known = records.get(entry.subject)
        if entry.kind == "alert.raised":
            records.setdefault(entry.subject, _raised(entry))
        elif known is not None and known.resolved_at is None and entry.kind in _CHANGES:
            records[entry.subject] = _CHANGES[entry.kind](known, entry)
    return records


def members_payload(members: Iterable[Member]) -> list[list[str]]:
    """Members as the ledger keeps them."""
    return [[m.code, m.subject, m.cohort, m.cohort_value, m.source] for m in sorted(members)]


def _members(entry: Entry) -> frozenset[Member]:
    return frozenset(Member(*parts) for parts in entry.payload["members"])


def _raised(entry: Entry) -> Record:
    until = entry.payload.get("muted_until")
    return Record(
        id=entry.subject,
        cause=entry.payload["cause"],
        severity=State(entry.payload["severity"]),
        owner=entry.payload["owner"],
        members=_members(entry),
        first_seen=datetime.fromisoformat(entry.payload["first_seen"]),
        raised_at=entry.as_of,
        waits_since=entry.as_of,
        muted_by=entry.payload.get("muted_by"),
        muted_until=datetime.fromisoformat(until) if until else None,
        note=entry.payload.get("note", ""),
    )


def _changed(known: Record, entry: Entry) -> Record:
    after = replace(known, members=_members(entry), severity=State(entry.payload["severity"]))
    if entry.payload["unmuted"]:
        after = _unmuted(after, entry)
    if entry.payload["reopened"]:
        after = replace(after, acknowledged_by=None, acknowledged_at=None, escalated_at=None, waits_since=entry.as_of)
    return after


def _acknowledged(known: Record, entry: Entry) -> Record:
    return replace(known, acknowledged_by=entry.actor, acknowledged_at=entry.as_of, note=entry.reason)


def _muted(known: Record, entry: Entry) -> Record:
    until = datetime.fromisoformat(entry.payload["until"])
    return replace(known, muted_by=entry.actor, muted_until=until, note=entry.reason)


def _unmuted(known: Record, entry: Entry) -> Record:
    return replace(known, muted_by=None, muted_until=None, waits_since=entry.as_of)


def _escalated(known: Record, entry: Entry) -> Record:
    return replace(known, escalated_at=entry.as_of, owner=entry.payload["to"])


def _resolved(known: Record, entry: Entry) -> Record:
    return replace(known, resolved_at=entry.as_of)


_CHANGES: dict[str, Callable[[Record, Entry], Record]] = {
    "alert.changed": _changed,
    "alert.acknowledged": _acknowledged,
    "alert.muted": _muted,
    "alert.unmuted": _unmuted,
    "alert.escalated": _escalated,
    "alert.resolved": _resolved,
}
