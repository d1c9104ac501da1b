"""Who may do what about a release. Names are compared as people read them, see `loop_core.people`."""

from __future__ import annotations

from loop_core.compare.overrides import overriders
from loop_core.errors import PermissionDeniedError, RefusedError
from loop_core.people import among, distinct_people, same_person
from loop_core.release.proposal import Proposal
from loop_core.workspace import Loop


def check_proposer(loop: Loop, actor: str) -> None:
    """Refuse a proposal that could never be approved: too few are left who may, besides the one who proposes."""
    approvers, needed = distinct_people(loop.charter.roles.approvers), loop.charter.rollout.approvals
    left = [person for person in approvers if not same_person(person, actor)]
    if approvers and len(left) < needed:
        raise RefusedError(
            f"{actor} proposes, so {', '.join(left) or 'nobody'} may approve, and {needed} approvals are needed",
            todo="let somebody else propose, or name more approvers in the charter",
        )


def check_approver(loop: Loop, proposal: Proposal, actor: str) -> None:
    """PermissionDeniedError for the proposer, for somebody who approved already, and for who is none of the approvers."""
    if same_person(actor, proposal.proposed_by):
        raise PermissionDeniedError(
            f"{_reads(actor, proposal.proposed_by)} proposed {proposal.id}",
            "another person's approval",
            "ask a colleague",
        )
    if known := among(actor, proposal.approvals):
        raise PermissionDeniedError(
            f"{_reads(actor, known)} approved {proposal.id} already", "another person's approval", "ask a colleague"
        )
    allowed = loop.charter.roles.approvers
    if allowed and among(actor, allowed) is None:
        raise PermissionDeniedError(
            f"{actor} is no approver of {loop.name}", f"one of: {', '.join(allowed)}", "ask one of them"
        )


def check_overrider(loop: Loop, actor: str) -> None:
    """PermissionDeniedError for who may not set gates aside."""
    allowed = overriders(loop.charter)
    if among(actor, allowed) is None:
        raise PermissionDeniedError(
            f"{actor} may not set gates of {loop.name} aside", f"one of: {', '.join(allowed)}", "ask one of them"
        )


def _reads(name: str, known: str) -> str:
    return name if name == known else f"{name!r} reads like {known}, who"
