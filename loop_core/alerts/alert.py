"""What asks a named person for something: findings with one probable cause, and what was done about them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from loop_core.monitor import Finding
from loop_core.vocabulary import State


class AlertState(StrEnum):
    """Where an alert is in its life."""

    OPEN = "open"
    """Nobody said yet that they look at it."""
    ACKNOWLEDGED = "acknowledged"
    MUTED = "muted"
    """Silent until a date, for a reason."""
    RESOLVED = "resolved"
    """Its findings are gone."""


#: Shape and word for each state.
ALERT_MARKS = {
    AlertState.OPEN: "▲ open",
    AlertState.ACKNOWLEDGED: "◆ acknowledged",
    AlertState.MUTED: "– muted",
    AlertState.RESOLVED: "● resolved",
}


@dataclass(frozen=True, order=True)
class Member:
    """Which finding, whatever its numbers: the same member week after week."""

    code: str
    subject: str
    cohort: str = ""
    """Empty: everybody."""
    cohort_value: str = ""
    source: str = ""
    """Empty: all sources."""

    @classmethod
    def of(cls, finding: Finding) -> Member:
        return cls(*finding.key)


@dataclass(frozen=True, kw_only=True)
class Handling:
    """What people, and the policy, did about an alert."""

    acknowledged_by: str | None = None
    acknowledged_at: datetime | None = None
    muted_by: str | None = None
    muted_until: datetime | None = None
    note: str = ""
    """The reason given with the last acknowledgement or mute."""
    escalated_at: datetime | None = None
    resolved_at: datetime | None = None


@dataclass(frozen=True)
class Alert(Handling):
    """One alert as it stands at an instant."""

    id: str
    """a1, a2, … within the loop."""
    loop: str
    cause: str
    """Stable key of the probable cause, e.g. `cohort:region=north` or `drift.feature:price`."""
    title: str
    """Its findings in a few words."""
    state: AlertState
    severity: State
    """The loudest its findings were: watch or alarm."""
    owner: str
    """Who is asked: by finding code, then stage, then the loop's owner; once escalated, whom it was escalated to."""
    impact: float | None
    """Estimated harm to the loop's first metric, in its unit, up is bad; None: not estimated."""
    findings: tuple[Finding, ...]
    """Its findings in the newest cycle that are not ok, upstream first. What comes first probably explains the rest."""
    first_seen: datetime
    """The first cycle in a row at which one of its findings was not ok."""
    since: datetime
    """When it was raised."""

    @property
    def codes(self) -> tuple[str, ...]:
        """The codes of its findings, each once, upstream first: the playbooks to open."""
        return tuple(dict.fromkeys(finding.code for finding in self.findings)) or (self.cause.split(":")[0],)
