"""What becomes of findings: which alerts are raised, go on, join or are resolved. Pure: the ledger is written elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from loop_core.alerts.alert import AlertState, Member
from loop_core.alerts.grouping import Group, group
from loop_core.alerts.state import Record, members_payload
from loop_core.alerts.words import headline
from loop_core.charter import Charter
from loop_core.monitor import Finding
from loop_core.vocabulary import State
from loop_core.windows import Windows

#: An alert stays while one of its findings reads like this: not enough data is no all-clear, and what still is on
#: watch would be raised again next week.
_UNSETTLED = (State.WATCH, State.ALARM, State.PENDING, State.TOO_FEW)


@dataclass(frozen=True)
class Step:
    """One ledger entry to write."""

    kind: str
    subject: str
    """Id of the alert."""
    reason: str
    payload: Mapping[str, Any] = field(default_factory=dict)
    tells: bool = True
    """Whether people are told."""


@dataclass(frozen=True)
class _Cause:
    """What belongs together: alerts that are not resolved, oldest first, and groups of loud findings."""

    records: tuple[Record, ...]
    groups: tuple[Group, ...]

    def matches(self, new: Group) -> bool:
        known = any(record.cause == new.cause or record.members & new.members for record in self.records)
        return known or any(one.cause == new.cause for one in self.groups)

    @property
    def findings(self) -> tuple[Finding, ...]:
        return tuple(finding for one in self.groups for finding in one.findings)


FirstSeen = Callable[[], Mapping[Member, datetime]]


def plan(
    records: Sequence[Record],
    findings: Sequence[Finding],
    charter: Charter,
    as_of: datetime,
    first_seen: FirstSeen,
) -> list[Step]:
    """The steps from the alerts there are to those the findings ask for; none when they agree already.

    Args:
        records: every alert of the loop in the order it was raised, resolved ones too.
        findings: all of one cycle, quiet ones too.
        charter: its `[alerts]` and roles.
        as_of: the cycle's instant.
        first_seen: tells since when each finding that is not ok has been so; asked only when an alert is raised.
    """
    today = Windows.at(as_of, charter.monitor.window_days).span(0)
    groups = group([finding for finding in findings if is_loud(finding, charter)], today)
    states = {Member.of(finding): finding.state for finding in findings}
    steps: list[Step] = []
    for cause in _causes([record for record in records if record.resolved_at is None], groups):
        if not cause.records:
            number = len(records) + sum(step.kind == "alert.raised" for step in steps) + 1
            steps.append(_raise(f"a{number}", cause, charter, as_of, first_seen, records))
        elif cause.groups:
            steps.extend(_go_on(cause, as_of))
        elif not any(states.get(member) in _UNSETTLED for member in cause.records[0].members):
            steps.append(_resolve(cause.records[0], as_of, states))
    return steps


def is_loud(finding: Finding, charter: Charter) -> bool:
    """Whether a finding is loud enough to ask somebody for something."""
    return finding.state is State.ALARM or (finding.state is State.WATCH and charter.alerts.deliver_from == "watch")


def owner_of(finding: Finding, charter: Charter) -> str:
    """Who is asked: by the finding's code, then its stage, then the loop's owner."""
    owners = charter.alerts.owners
    return owners.get(finding.code) or owners.get(finding.stage) or charter.roles.owner


def _causes(records: Sequence[Record], groups: Sequence[Group]) -> list[_Cause]:
    causes = [_Cause((record,), ()) for record in records]
    for one in groups:
        mine = [cause for cause in causes if cause.matches(one)]
        together = _Cause(
            tuple(record for cause in mine for record in cause.records),
            (*(known for cause in mine for known in cause.groups), one),
        )
        causes = [cause for cause in causes if cause not in mine] + [together]
    return causes


def _raise(
    name: str,
    cause: _Cause,
    charter: Charter,
    as_of: datetime,
    first_seen: FirstSeen,
    records: Sequence[Record],
) -> Step:
    findings, key, seen = cause.findings, cause.groups[0].cause, first_seen()
    members = frozenset(map(Member.of, findings))
    payload: dict[str, Any] = {
        "cause": key,
        "severity": _loudest(findings).value,
        "owner": owner_of(findings[0], charter),
        "members": members_payload(members),
        "first_seen": min((seen.get(member, as_of) for member in members), default=as_of).isoformat(),
    }
    # Somebody muted this cause until a date: that it was quiet for a week in between does not end the mute.
    earlier = [record for record in records if record.cause == key]
    muted_until = earlier[-1].muted_until if earlier else None
    muted = muted_until is not None and as_of < muted_until
    if muted and muted_until is not None:
        payload |= {
            "muted_until": muted_until.isoformat(),
            "muted_by": earlier[-1].muted_by,
            "note": earlier[-1].note,
        }
    return Step("alert.raised", name, headline(findings), payload, tells=not muted)


def _go_on(cause: _Cause, as_of: datetime) -> list[Step]:
    """The oldest alert that is not muted goes on, others with the same cause join it; new findings open it again."""
    records = sorted(cause.records, key=lambda record: record.state(as_of) is AlertState.MUTED)
    keeper, joining = records[0], records[1:]
    known = frozenset(member for record in records for member in record.members)
    now = frozenset(map(Member.of, cause.findings))
    severity = max((keeper.severity, _loudest(cause.findings)), key=lambda state: state is State.ALARM)
    reopened = bool(
        now - known or severity != keeper.severity or any(record.state(as_of) is AlertState.OPEN for record in joining)
    )
    # A mute covers the kinds of findings it was given for: features may join a muted drift, missing rows end it.
    muted = keeper.state(as_of) is AlertState.MUTED
    unmuted = muted and not {member.code for member in now} <= {member.code for member in keeper.members}
    steps = [
        Step("alert.resolved", record.id, f"joined {keeper.id}", {"joined": keeper.id}, tells=False)
        for record in joining
    ]
    if reopened or joining:
        payload = {
            "members": members_payload(known | now),
            "severity": severity.value,
            "reopened": reopened,
            "unmuted": unmuted,
        }
        tells = reopened and (not muted or unmuted)
        steps.append(Step("alert.changed", keeper.id, headline(cause.findings), payload, tells))
    return steps


def _resolve(record: Record, as_of: datetime, states: Mapping[Member, State]) -> Step:
    measured = any(member in states for member in record.members)
    reason = "its findings are quiet again" if measured else "its findings are no longer measured"
    return Step("alert.resolved", record.id, reason, {"joined": None}, record.state(as_of) is not AlertState.MUTED)


def _loudest(findings: Sequence[Finding]) -> State:
    return State.ALARM if any(finding.state is State.ALARM for finding in findings) else State.WATCH
