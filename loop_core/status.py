"""One loop at a glance: who serves, what the last cycle found, which decisions wait."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from loop_core.monitor import Finding, findings_at, standing_since
from loop_core.release import ProposalState, ReleaseState, state
from loop_core.workspace import Loop

#: Days without a prediction after which a loop on the wall clock is taken to be a log of the past.
QUIET_DAYS = 30


@dataclass(frozen=True)
class LoopStatus:
    """What a weekly review opens with."""

    loop: str
    title: str
    as_of: datetime
    champion: str | None
    champion_since: datetime | None
    findings: tuple[Finding, ...]
    """Of the newest cycle at or before `as_of`; empty: none ran."""
    since: tuple[datetime, ...]
    """For each finding, the first cycle in a row at which it had its state."""
    waiting: tuple[str, ...]
    """Sentences: what somebody has to do next."""


def loop_status(loop: Loop, as_of: datetime) -> LoopStatus:
    """The loop's state as of a UTC instant."""
    releases = state(loop, as_of)
    findings = tuple(findings_at(loop, as_of))
    since = standing_since(loop, as_of) if findings else {}
    return LoopStatus(
        loop=loop.name,
        title=loop.charter.loop.title,
        as_of=as_of,
        champion=releases.champion,
        champion_since=releases.since,
        findings=findings,
        since=tuple(since[finding.key] for finding in findings),
        waiting=tuple(_waiting(loop, as_of, releases, cycles=bool(findings))),
    )


def ended(loop: Loop, as_of: datetime) -> datetime | None:
    """The UTC midnight after the newest prediction, when none came in the last `QUIET_DAYS` before a UTC instant; else None.
    Looked at from that instant, windows are empty, and whoever asked may have meant the log's own time."""
    span = loop.span()
    return None if span is None or span[1] > as_of - timedelta(days=QUIET_DAYS) else span[1]


def long_quiet(loop: Loop, as_of: datetime) -> str | None:
    """A sentence that says where the predictions of a log that has ended before a UTC instant end; else None."""
    end = ended(loop, as_of)
    if end is None:
        return None
    return (
        f"The newest prediction of {loop.name} is of {end - timedelta(days=1):%Y-%m-%d}; this looks from {as_of:%Y-%m-%d}."
        f" To look from there: --as-of {end:%Y-%m-%d}"
    )


def _waiting(loop: Loop, as_of: datetime, releases: ReleaseState, *, cycles: bool) -> list[str]:
    todo = _at_once(loop, as_of, releases)
    if releases.champion is None:
        todo.append(f"No champion yet: loop bootstrap {loop.name} --until DATE, or --external NAME")
    elif not cycles:
        todo.append(f"No cycle ran yet: loop run {loop.name}")
    for proposal in releases.proposals:
        if proposal.state is ProposalState.OPEN:
            todo.append(
                f"{proposal.id} ({proposal.challenger}, by {proposal.proposed_by}) waits for approval: loop approve {loop.name} {proposal.id}"
            )
        elif proposal.state is ProposalState.APPROVED:
            todo.append(
                f"{proposal.id} ({proposal.challenger}) is approved and waits: loop promote {loop.name} {proposal.id}"
            )
    if not releases.proposals and (cards := _uncompared(loop, releases)):
        todo.extend(cards)
    return todo


def _at_once(loop: Loop, as_of: datetime, releases: ReleaseState) -> list[str]:
    """What the newest decision proposed not to wait with, until a release answers it or a later decision is calmer."""
    decided = loop.entries("trigger.decided", as_of)
    remedy = decided[-1].payload.get("remedy") if decided else None
    if remedy is None or (releases.since is not None and releases.since >= decided[-1].as_of):
        return []
    return [f"{remedy['sentence'].rstrip('.')}: {remedy['command'] or f'loop triggers show {loop.name}'}"]


def _uncompared(loop: Loop, releases: ReleaseState) -> list[str]:
    """Challengers trained since the champion was released that nobody compared yet."""
    compared = {entry.subject for entry in loop.entries("comparison.made")}
    since = releases.since
    return [
        f"{entry.subject} was trained and waits for a comparison: loop compare {loop.name} {entry.subject}"
        for entry in loop.entries("model.registered")
        if since is not None
        and entry.as_of > since
        and entry.subject not in compared
        and entry.subject != releases.champion
    ]
