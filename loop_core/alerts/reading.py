"""The alerts of a loop as of an instant: the ledger's fold, joined with the findings of that time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import UTC, datetime

from loop_core.alerts.alert import Alert, AlertState, Handling, Member
from loop_core.alerts.grouping import upstream
from loop_core.alerts.state import Record, fold
from loop_core.alerts.words import headline
from loop_core.errors import UnknownNameError
from loop_core.labels import read_at
from loop_core.monitor import Finding, findings_at
from loop_core.monitor.codes import words
from loop_core.vocabulary import State
from loop_core.workspace import Loop

_QUIET = (State.OK, State.NOT_APPLICABLE)


def alerts(
    loop: Loop, as_of: datetime, *, resolved: bool = False, findings: Sequence[Finding] | None = None
) -> list[Alert]:
    """Alerts that stand at a UTC instant, those that cost most first.

    Ordered by estimated impact, then severity, then what lies upstream, then age. Muted ones come last.

    Args:
        loop: the loop.
        as_of: UTC instant.
        resolved: also those that are over.
        findings: of the newest cycle by then, where they are at hand; None: as they were kept.
    """
    records = fold(loop.entries("alert.", as_of)).values()
    wanted = [record for record in records if resolved or record.resolved_at is None]
    if findings is None:
        findings = findings_at(loop, as_of) if wanted else ()
    current = {Member.of(finding): finding for finding in findings}
    return sorted((_alert(loop, record, current, as_of) for record in wanted), key=_order)


def alert(loop: Loop, alert_id: str, as_of: datetime) -> Alert:
    """One alert, in any state. UnknownNameError lists those there are."""
    found = {one.id: one for one in alerts(loop, as_of, resolved=True)}
    if alert_id not in found:
        raise UnknownNameError("alert", alert_id, list(found))
    return found[alert_id]


def findings_of(record: Record, current: Mapping[Member, Finding]) -> tuple[Finding, ...]:
    """An alert's findings that are not quiet, upstream first."""
    mine = [current[member] for member in record.members if member in current]
    return tuple(sorted((finding for finding in mine if finding.state not in _QUIET), key=upstream))


def first_seen(loop: Loop, as_of: datetime) -> dict[Member, datetime]:
    """Since which recorded cycle, in a row, each finding that is not quiet has not been so."""
    reading = read_at(loop, as_of).with_views(
        told="select code, subject, coalesce(cohort, '') as cohort, coalesce(cohort_value, '') as cohort_value,"
        " coalesce(source, '') as source, state, as_of from findings where as_of <= $as_of",
        quiet="select code, subject, cohort, cohort_value, source, max(as_of) as quiet_at from told"
        " where state in ('ok', 'not_applicable') group by all",
    )
    rows = reading.rows(
        "select code, subject, cohort, cohort_value, source, min(told.as_of) from told"
        " left join quiet using (code, subject, cohort, cohort_value, source)"
        " where state in ('watch', 'alarm') and (quiet_at is null or told.as_of > quiet_at) group by all"
    )
    return {Member(*parts): since.astimezone(UTC) for *parts, since in rows}


def _alert(loop: Loop, record: Record, current: Mapping[Member, Finding], as_of: datetime) -> Alert:
    findings = () if record.resolved_at is not None else findings_of(record, current)
    return Alert(
        id=record.id,
        loop=loop.name,
        cause=record.cause,
        title=headline(findings) if findings else _remembered(record),
        state=record.state(as_of),
        severity=record.severity,
        owner=record.owner,
        impact=max((finding.impact for finding in findings if finding.impact is not None), default=None),
        findings=findings,
        first_seen=record.first_seen,
        since=record.raised_at,
        **{field.name: getattr(record, field.name) for field in fields(Handling)},
    )


def _remembered(record: Record) -> str:
    told = list(dict.fromkeys(words(member.code, member.subject) for member in sorted(record.members)))
    return ", ".join(told[:3]) + (f" and {len(told) - 3} more" if len(told) > 3 else "")


def _order(one: Alert) -> tuple[object, ...]:
    rank = (AlertState.OPEN, AlertState.ACKNOWLEDGED, AlertState.MUTED, AlertState.RESOLVED).index(one.state)
    first: Sequence[object] = upstream(one.findings[0]) if one.findings else ()
    return (
        max(rank - 1, 0),
        one.impact is None,
        -(one.impact or 0.0),
        one.severity is not State.ALARM,
        bool(one.findings) and first[0],
        int(one.id[1:]),
    )
