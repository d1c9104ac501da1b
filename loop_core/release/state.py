"""What is live, what was, and what waits: read from the ledger at one instant."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from loop_core.models import registered
from loop_core.release.proposal import Proposal, proposals
from loop_core.workspace import Loop


@dataclass(frozen=True)
class Tenure:
    """One model version's time as champion."""

    version: str
    since: datetime
    until: datetime | None
    """None: still serving."""
    how: str
    """"promoted" or "rolled back to"."""
    actor: str
    reason: str


@dataclass(frozen=True)
class ReleaseState:
    """The releases of a loop at one instant."""

    champion: str | None
    """The version that serves; None before the first release."""
    since: datetime | None
    tenures: tuple[Tenure, ...]
    """Newest first."""
    proposals: tuple[Proposal, ...]
    """Newest first, in any state."""


def state(loop: Loop, as_of: datetime) -> ReleaseState:
    """The loop's releases as of a UTC instant."""
    entries = loop.entries("release.", as_of)
    changes = [entry for entry in entries if entry.kind in ("release.promoted", "release.rolled_back")]
    ends = [entry.as_of for entry in changes[1:]]
    tenures = [
        Tenure(
            version=entry.subject,
            since=entry.as_of,
            until=ends[i] if i < len(ends) else None,
            how="promoted" if entry.kind == "release.promoted" else "rolled back to",
            actor=entry.actor,
            reason=entry.reason,
        )
        for i, entry in enumerate(changes)
    ]
    last = tenures[-1] if tenures else None
    return ReleaseState(
        champion=last.version if last else None,
        since=last.since if last else None,
        tenures=tuple(reversed(tenures)),
        proposals=tuple(reversed(proposals(entries))),
    )


def challengers(loop: Loop, as_of: datetime) -> tuple[str, ...]:
    """The models that may be asked to serve, the one whose question is open first: those that never served, the newest
    first, then those that did.

    Args:
        loop: the loop.
        as_of: UTC instant.
    """
    now = state(loop, as_of)
    served = {tenure.version for tenure in now.tenures}
    newest = [model.version for model in reversed(registered(loop, as_of)) if model.version != now.champion]
    return tuple(sorted(newest, key=lambda version: version in served))
