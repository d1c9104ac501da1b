"""Findings that probably have one cause: the same cohort value, the same source, or the same days.

What lies upstream comes first: missing or quarantined rows explain the drift of features, drift explains the
performance of the same days. Service stands for itself: slow answers are nobody's drift.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from loop_core.alerts.alert import Member
from loop_core.monitor import Finding
from loop_core.vocabulary import State

#: The stages, what comes first upstream of what comes later.
STAGES = ("signals", "quality", "drift", "performance", "feedback", "service")
#: Stages of which one explains the next.
_CHAIN = STAGES[:5]


@dataclass(frozen=True)
class Group:
    """Findings with one probable cause."""

    cause: str
    """Stable key: it says the same next week, when the windows have moved on."""
    findings: tuple[Finding, ...]
    """Upstream first."""

    @property
    def members(self) -> frozenset[Member]:
        return frozenset(map(Member.of, self.findings))


def group(findings: Sequence[Finding], today: tuple[datetime, datetime]) -> list[Group]:
    """Findings → groups, upstream first.

    Args:
        findings: those that shall be explained, in any order: the result does not depend on it.
        today: (start, end) of the newest window, for findings that name none.
    """
    rest, groups = sorted(findings, key=upstream), []
    while rest:
        together, rest = [rest[0]], rest[1:]
        for one in together:  # grows while it is walked: a friend's friends belong to it
            joined = [other for other in rest if _linked(one, other, today)]
            together.extend(joined)
            rest = [other for other in rest if other not in joined]
        ordered = tuple(sorted(together, key=upstream))
        groups.append(Group(_cause(ordered), ordered))
    return groups


def upstream(finding: Finding) -> tuple[object, ...]:
    """Sort key: upstream first, then the loudest, then by name. No measured number: replays must agree to the letter."""
    return (
        STAGES.index(finding.stage),
        finding.state is not State.ALARM,
        finding.code,
        finding.subject,
        finding.cohort or "",
        finding.cohort_value or "",
        finding.source or "",
    )


def _linked(a: Finding, b: Finding, today: tuple[datetime, datetime]) -> bool:
    if Member.of(a) == Member.of(b):
        return True
    if a.source and b.source:
        return a.source == b.source
    if a.cohort and b.cohort:
        return (a.cohort, a.cohort_value) == (b.cohort, b.cohort_value)
    if not _same_days(a, b, today):
        return False
    if a.cohort or b.cohort:
        # A cohort explains everybody's finding of the same kind; of another kind it need not.
        return (a.code, a.subject) == (b.code, b.subject)
    return a.stage == b.stage or (a.stage in _CHAIN and b.stage in _CHAIN)


def _same_days(a: Finding, b: Finding, today: tuple[datetime, datetime]) -> bool:
    (a_start, a_end), (b_start, b_end) = (
        (f.window_start or today[0], f.window_end or f.window_start or today[1]) for f in (a, b)
    )
    return a_start < b_end and b_start < a_end


def _cause(findings: Sequence[Finding]) -> str:
    sources = {finding.source for finding in findings if finding.source}
    if len(sources) == 1:
        return f"source:{sources.pop()}"
    cohorts = {(finding.cohort, finding.cohort_value) for finding in findings}
    if len(cohorts) == 1 and findings[0].cohort:
        return f"cohort:{findings[0].cohort}={findings[0].cohort_value}"
    return f"{findings[0].code}:{findings[0].subject}"
