"""A proposal to release a challenger, as a fold over the ledger entries about it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from loop_core.errors import UnknownNameError
from loop_core.ledger import Entry
from loop_core.people import among


class ProposalState(StrEnum):
    """Where a proposal stands. `SUPERSEDED`: another model was released since; its comparison no longer holds."""

    OPEN = "open"
    APPROVED = "approved"
    PROMOTED = "promoted"
    REJECTED = "rejected"
    SUPERSEDED = "superseded"


@dataclass(frozen=True)
class Proposal:
    """Somebody asks that a challenger replaces the champion."""

    id: str
    """`p1`, `p2`, … in the order of proposing."""
    challenger: str
    """Model version that wants to serve."""
    against: str | None
    """The champion it was compared with; None: there was none."""
    scorecard_id: str
    """The stored comparison it rests on."""
    proposed_by: str
    proposed_at: datetime
    """UTC instant in the loop's own time."""
    reason: str
    needed: int
    """Approvals the charter asks for."""
    approvals: tuple[str, ...] = ()
    """Who approved, in order, each person once and never the proposer."""
    state: ProposalState = ProposalState.OPEN
    note: str = ""
    """Why it was rejected; empty otherwise."""


def proposals(entries: Iterable[Entry]) -> list[Proposal]:
    """Every proposal of a loop, oldest first, after these `release.` entries."""
    found: dict[str, Proposal] = {}
    for entry in entries:
        name = entry.payload.get("proposal")
        if entry.kind == "release.proposed":
            found[str(name)] = _proposed(entry)
        elif name in found:
            found[name] = _step(found[name], entry)
        if entry.kind in ("release.promoted", "release.rolled_back"):
            for other in found.values():
                if other.state in (ProposalState.OPEN, ProposalState.APPROVED):
                    found[other.id] = replace(other, state=ProposalState.SUPERSEDED)
    return list(found.values())


def find(all_proposals: Iterable[Proposal], proposal_id: str) -> Proposal:
    """The proposal of that id; UnknownNameError lists them."""
    known = {proposal.id: proposal for proposal in all_proposals}
    if proposal_id not in known:
        raise UnknownNameError("proposal", proposal_id, known)
    return known[proposal_id]


def _proposed(entry: Entry) -> Proposal:
    payload = entry.payload
    return Proposal(
        id=payload["proposal"],
        challenger=entry.subject,
        against=payload["against"],
        scorecard_id=payload["scorecard"],
        proposed_by=entry.actor,
        proposed_at=entry.as_of,
        reason=entry.reason,
        needed=payload["needed"],
    )


def _step(proposal: Proposal, entry: Entry) -> Proposal:
    if entry.kind == "release.approved":
        if among(entry.actor, (proposal.proposed_by, *proposal.approvals)) is not None:
            return proposal  # on record from when names were compared letter by letter
        approvals = (*proposal.approvals, entry.actor)
        enough = len(approvals) >= proposal.needed
        return replace(proposal, approvals=approvals, state=ProposalState.APPROVED if enough else ProposalState.OPEN)
    if entry.kind == "release.promoted":
        return replace(proposal, state=ProposalState.PROMOTED)
    if entry.kind == "release.rejected":
        return replace(proposal, state=ProposalState.REJECTED, note=entry.reason)
    return proposal
