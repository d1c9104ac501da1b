"""Gates that somebody set aside, with a reason: read from the ledger, for one scorecard each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from loop_core.charter import Charter
from loop_core.compare.gates import decided_gate
from loop_core.compare.scorecard import GateResult
from loop_core.ledger import Entry
from loop_core.workspace import Loop

#: Kind of the ledger entries.
OVERRIDDEN = "release.overridden"


@dataclass(frozen=True)
class Override:
    """One gate of one scorecard that no longer stands in the way."""

    scorecard: str
    """Id of the comparison; another comparison needs another override."""
    challenger: str
    gate: str
    """Name of the gate."""
    state: str
    """What it was: `blocked` or `held`."""
    actor: str
    """Who set it aside."""
    at: datetime
    """UTC instant in the loop's own time."""
    reason: str

    @property
    def sentence(self) -> str:
        """Who set what aside, when and why."""
        return f"{self.gate} ({self.state}) was set aside by {self.actor} on {self.at:%Y-%m-%d}: {self.reason}"


def overrides_of(loop: Loop, scorecard_id: str, as_of: datetime | None = None) -> dict[str, Override]:
    """Gate → its override, of one scorecard, in the order they were made.

    Args:
        loop: the loop.
        scorecard_id: a stored comparison.
        as_of: UTC instant; those made later are left out. None: all.
    """
    return overridden(loop.entries(OVERRIDDEN, as_of), scorecard_id)


def overridden(entries: Iterable[Entry], scorecard_id: str) -> dict[str, Override]:
    """The same, from ledger entries of any kind."""
    found: dict[str, Override] = {}
    for entry in entries:
        if entry.kind == OVERRIDDEN and entry.payload["scorecard"] == scorecard_id:
            found.setdefault(entry.payload["gate"], _read(entry))
    return found


def standing(charter: Charter, gates: Iterable[GateResult], aside: Mapping[str, Override]) -> list[GateResult]:
    """Gates that keep a challenger from being proposed: blocked ones, and held ones of cohorts that the charter wants
    decided, unless they were set aside. Of other held gates whoever proposes or approves is told, and decides.

    Args:
        charter: names the cohorts that must be decided.
        gates: of a scorecard.
        aside: its overrides.
    """
    decisive = {decided_gate(cohort.name) for cohort in charter.cohorts if cohort.must_decide}
    return [
        gate
        for gate in gates
        if gate.name not in aside and (gate.state == "blocked" or (gate.state == "held" and gate.name in decisive))
    ]


def overriders(charter: Charter) -> tuple[str, ...]:
    """Who may set a gate aside: those the charter names, or else the owner."""
    return charter.compare.overriders or (charter.roles.owner,)


def _read(entry: Entry) -> Override:
    payload = entry.payload
    return Override(
        scorecard=payload["scorecard"],
        challenger=entry.subject,
        gate=payload["gate"],
        state=payload["state"],
        actor=entry.actor,
        at=entry.as_of,
        reason=entry.reason,
    )
