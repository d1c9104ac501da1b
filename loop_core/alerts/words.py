"""Alerts in words: their title, and the message people get."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from loop_core.alerts.state import Record
from loop_core.alerts.unmarked import unmarked
from loop_core.monitor import Finding
from loop_core.monitor.codes import words
from loop_core.vocabulary import MARKS

#: A title names so many findings, a message so many sentences.
_NAMED, _SENTENCES = 3, 8


@dataclass(frozen=True)
class Note:
    """What a message says, and to whom."""

    title: str
    body: str
    owner: str
    stages: tuple[str, ...]
    severity: str


def headline(findings: Sequence[Finding]) -> str:
    """Findings in a few words without numbers: what comes first, and how much more there is."""
    told = list(dict.fromkeys(_said(finding) for finding in findings))
    if not told:
        return "nothing measured any more"
    rest = len(told) - _NAMED
    return ", ".join(told[:_NAMED]) + (f" and {rest} more" if rest > 0 else "")


def raised_note(loop: str, record: Record, findings: Sequence[Finding], event: str) -> Note:
    """The message of an alert that was raised, changed or escalated.

    Args:
        loop: name of the loop.
        record: the alert after the event.
        findings: its findings of the newest cycle, upstream first.
        event: `raised`, `changed` or `escalated`.
    """
    opening = {
        "raised": f"{record.owner}, this asks for you.",
        "changed": f"{record.owner}, there is more to it than before.",
        "escalated": f"{record.owner}, nobody acknowledged this since {_day(record.waits_since)}.",
    }[event]
    shown = [f"- {MARKS[finding.state]}: {finding.sentence}" for finding in findings[:_SENTENCES]]
    more = len(findings) - _SENTENCES
    lines = [
        opening,
        f"First seen {_day(record.first_seen)}, raised {_day(record.raised_at)}.",
        *shown,
        *([f"- and {more} more"] if more > 0 else []),
        "",
        *(f"What to do: loop alerts playbook {code}" for code in dict.fromkeys(f.code for f in findings[:1])),
        f"On it? loop alerts ack {loop} {record.id}",
    ]
    return _note(f"[{loop}] {record.id} {event}: {headline(findings)}", lines, record, findings)


def resolved_note(loop: str, record: Record, reason: str) -> Note:
    """The message that an alert is over."""
    lines = [f"{record.id} ({record.cause}) is resolved: {reason}.", f"It stood since {_day(record.raised_at)}."]
    return _note(f"[{loop}] {record.id} resolved: {record.cause}", lines, record, ())


def _note(title: str, lines: Sequence[str], record: Record, findings: Sequence[Finding]) -> Note:
    stages = {str(finding.stage) for finding in findings} or {member.code.split(".")[0] for member in record.members}
    return Note(
        unmarked(title), "\n".join(map(unmarked, lines)), record.owner, tuple(sorted(stages)), record.severity.value
    )


def _said(finding: Finding) -> str:
    where = f" where {finding.cohort} is {finding.cohort_value}" if finding.cohort else ""
    whence = f" from {finding.source}" if finding.source else ""
    return words(finding.code, finding.subject) + where + whence


def _day(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d}"
