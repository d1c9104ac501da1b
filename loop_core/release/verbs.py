"""The verbs of a release. Each checks and records in one ledger transaction: two racing calls cannot both win."""

from __future__ import annotations

from datetime import datetime

from loop_core.compare import load_scorecard
from loop_core.compare.overrides import OVERRIDDEN, overridden, standing
from loop_core.compare.scorecard import Scorecard
from loop_core.errors import RefusedError, UnknownNameError
from loop_core.ledger import Entry, LedgerTransaction, refuse_unseen
from loop_core.ledger.fold import CHAMPION_KINDS, champion, predecessors, tenures
from loop_core.models import manifest_of
from loop_core.people import require_name
from loop_core.release.permission import check_approver, check_proposer
from loop_core.release.proposal import Proposal, ProposalState, find, proposals
from loop_core.release.releasing import releasing
from loop_core.workspace import Loop


def first_release(loop: Loop, version: str, *, actor: str, as_of: datetime, reason: str = "first release") -> Entry:
    """Make a registered model the first champion. RefusedError when there is one already."""
    manifest_of(loop, version)
    with releasing(loop, as_of) as (tx, entries):
        current = champion(entries)
        if current is not None:
            raise RefusedError(
                f"{loop.name} already has the champion {current}", "a loop without one", "propose the model instead"
            )
        return tx.append(
            kind="release.promoted", loop=loop.name, subject=version, actor=actor, as_of=as_of, reason=reason,
            payload={"proposal": None, "previous": None},
        )  # fmt: skip


def propose(
    loop: Loop, challenger: str, *, scorecard: str, actor: str, as_of: datetime, reason: str, seen: int | None = None
) -> Proposal:
    """Ask that a challenger replaces the champion, or where nothing serves becomes the first, on the strength of a stored
    scorecard.

    `seen`, here and in the verbs below: length of the ledger when the state was shown that the act was decided on. What
    was recorded about it since makes the verb refuse. None: nobody was shown anything.

    Raises:
        RefusedError: a gate stands in the way and was not set aside, the scorecard is about other models, it is proposed
            already, or too few would be left who may approve.
    """
    require_name(actor)
    check_proposer(loop, actor)
    manifest_of(loop, challenger)
    card = load_scorecard(loop, scorecard)
    with releasing(loop, as_of) as (tx, entries):
        current, known = champion(entries), proposals(entries)
        compared = tx.entries(loop=loop.name, kind="comparison.made", subject=challenger)
        refuse_unseen(f"what is known of {challenger}", [*about(entries, card.id, challenger), *compared], seen)
        _unhindered(loop, card, entries)
        if card.challenger != challenger or card.champion != current:
            raise RefusedError(
                f"Scorecard {scorecard} compares {card.challenger} with {card.champion or 'nobody'}",
                f"{challenger} with the champion {current}" if current else f"{challenger} alone: no model serves",
                f"loop compare {loop.name} {challenger}",
            )
        waiting = [
            p for p in known if p.challenger == challenger and p.state in (ProposalState.OPEN, ProposalState.APPROVED)
        ]
        if waiting:
            raise RefusedError(
                f"{challenger} is proposed already as {waiting[0].id}",
                "one proposal at a time",
                f"approve or reject {waiting[0].id}",
            )
        name = f"p{len(known) + 1}"
        payload = {
            "proposal": name,
            "scorecard": scorecard,
            "against": current,
            "needed": loop.charter.rollout.approvals,
        }
        tx.append(
            kind="release.proposed",
            loop=loop.name,
            subject=challenger,
            actor=actor,
            as_of=as_of,
            reason=reason,
            payload=payload,
        )
        return find(proposals(tx.entries(loop=loop.name, kind="release.")), name)


def approve(
    loop: Loop, proposal_id: str, *, actor: str, as_of: datetime, reason: str = "", seen: int | None = None
) -> Proposal:
    """Approve a proposal. PermissionDeniedError for one's own, or when the charter names other approvers."""
    require_name(actor)
    with releasing(loop, as_of) as (tx, entries):
        proposal = _as_seen(entries, proposal_id, seen, ProposalState.OPEN)
        check_approver(loop, proposal, actor)
        return _record(tx, loop, "release.approved", proposal, actor, as_of, reason)


def reject(
    loop: Loop, proposal_id: str, *, actor: str, as_of: datetime, reason: str, seen: int | None = None
) -> Proposal:
    """Close a proposal without releasing it; the reason is kept."""
    if not reason.strip():
        raise RefusedError("A rejection without a reason", "a reason the proposer can act on", "give one")
    with releasing(loop, as_of) as (tx, entries):
        proposal = _as_seen(entries, proposal_id, seen, ProposalState.OPEN, ProposalState.APPROVED)
        return _record(tx, loop, "release.rejected", proposal, actor, as_of, reason)


def promote(
    loop: Loop, proposal_id: str, *, actor: str, as_of: datetime, reason: str = "", seen: int | None = None
) -> Entry:
    """Let an approved challenger serve from `as_of` on. The ledger entry is the commit point.

    Raises:
        RefusedError: approvals are missing, or another release came between.
        IntegrityError: the model package changed on disk.
    """
    manifest_of(loop, find(proposals(loop.entries("release.")), proposal_id).challenger)
    with releasing(loop, as_of) as (tx, entries):
        proposal = _as_seen(entries, proposal_id, seen, ProposalState.APPROVED)
        return tx.append(
            kind="release.promoted", loop=loop.name, subject=proposal.challenger, actor=actor, as_of=as_of,
            reason=reason or proposal.reason, payload={"proposal": proposal.id, "previous": champion(entries)},
        )  # fmt: skip


def rollback(
    loop: Loop, to: str | None = None, *, actor: str, as_of: datetime, reason: str, seen: int | None = None
) -> Entry:
    """Go back to an earlier champion at once, without approvals: going back is never held up.

    Args:
        to: an earlier champion; None: the first of `predecessors`, the newest that was not itself rolled back from.
        reason: required; it is what the next review reads.

    Raises:
        RefusedError: there is no reason, no earlier champion, `to` serves already, another model serves than was seen, or,
            where `to` is None, none is left but those rolled back from.
        UnknownNameError: `to` never served before.
    """
    if not reason.strip():
        raise RefusedError("A rollback without a reason", "what went wrong, in a sentence", "give one with --reason")
    with releasing(loop, as_of) as (tx, entries):
        refuse_unseen(f"the champion of {loop.name}", [e for e in entries if e.kind in CHAMPION_KINDS], seen)
        current = champion(entries)
        if current is None:
            raise RefusedError(
                f"{loop.name} has no champion yet", "one to go back from", f"loop bootstrap {loop.name} --until DATE"
            )
        earlier = [version for version, _ in tenures(entries) if version != current]
        if not earlier:
            raise RefusedError(
                f"{loop.name} has had no champion before {current}",
                "an earlier champion",
                "promote another model first",
            )
        if to == current:
            raise RefusedError(
                f"{to} serves already", todo=f"nothing to do, or name another of: {', '.join(sorted(set(earlier)))}"
            )
        target = to or _before(loop, entries, earlier)
        if target not in earlier:
            raise UnknownNameError("earlier champion", target, set(earlier))
        manifest_of(loop, target)
        return tx.append(
            kind="release.rolled_back", loop=loop.name, subject=target, actor=actor, as_of=as_of, reason=reason,
            payload={"previous": current},
        )  # fmt: skip


def _before(loop: Loop, entries: list[Entry], earlier: list[str]) -> str:
    """The champion to go back to where nobody says which: going on to one that was rolled back from needs its name."""
    left = predecessors(entries)
    if not left:
        raise RefusedError(
            f"Every earlier champion of {loop.name} was rolled back from: {', '.join(sorted(set(earlier)))}",
            "the name of the one to go back to all the same",
            f"loop rollback {loop.name} --to {earlier[-1]} --reason WHY",
        )
    return left[0]


def _unhindered(loop: Loop, card: Scorecard, entries: list[Entry]) -> None:
    """See that no gate stands in the way."""
    hindering = standing(loop.charter, card.gates, overridden(entries, card.id))
    if not hindering:
        return
    blocked = any(gate.state == "blocked" for gate in hindering)
    raise RefusedError(
        f"{card.challenger} is {'blocked' if blocked else 'held'}: {'; '.join(gate.sentence for gate in hindering)}",
        "a scorecard on which no gate stands in the way",
        f"train another challenger, or let somebody who may set the gate aside: loop override {loop.name} {card.id}"
        f' "{hindering[0].name}" --reason WHY',
    )


def about(entries: list[Entry], scorecard: str, challenger: str) -> list[Entry]:
    """The release entries that a decision on a challenger and its scorecard depends on: who serves, what was proposed,
    approved and rejected of it, which gates were set aside."""
    mine = ("release.proposed", "release.approved", "release.rejected")
    return [
        entry
        for entry in entries
        if entry.kind in CHAMPION_KINDS
        or (entry.kind in mine and entry.subject == challenger)
        or (entry.kind == OVERRIDDEN and entry.payload["scorecard"] == scorecard)
    ]


def _as_seen(entries: list[Entry], proposal_id: str, seen: int | None, *wanted: ProposalState) -> Proposal:
    """A proposal in one of the wanted states, unchanged since it was looked at."""
    proposal = find(proposals(entries), proposal_id)
    refuse_unseen(f"proposal {proposal.id}", about(entries, proposal.scorecard_id, proposal.challenger), seen)
    return _in_state(proposal, *wanted)


def _in_state(proposal: Proposal, *wanted: ProposalState) -> Proposal:
    if proposal.state not in wanted:
        missing = proposal.needed - len(proposal.approvals)
        todo = (
            f"{missing} approval(s) still missing"
            if proposal.state is ProposalState.OPEN
            else "propose the challenger again"
        )
        raise RefusedError(f"Proposal {proposal.id} is {proposal.state}", " or ".join(wanted), todo)
    return proposal


def _record(
    tx: LedgerTransaction, loop: Loop, kind: str, proposal: Proposal, actor: str, as_of: datetime, reason: str
) -> Proposal:
    payload = {"proposal": proposal.id}
    tx.append(
        kind=kind, loop=loop.name, subject=proposal.challenger, actor=actor, as_of=as_of, reason=reason, payload=payload
    )
    return find(proposals(tx.entries(loop=loop.name, kind="release.")), proposal.id)
