"""Scorecard → proposal → approvals by others → champion → rollback. The champion is a fold over the ledger."""

from loop_core.release.override import override
from loop_core.release.proposal import Proposal, ProposalState, proposals
from loop_core.release.serve import serve
from loop_core.release.state import ReleaseState, Tenure, challengers, state
from loop_core.release.verbs import approve, first_release, promote, propose, reject, rollback
from loop_core.release.watch import watch

__all__ = [
    "Proposal",
    "ProposalState",
    "ReleaseState",
    "Tenure",
    "approve",
    "challengers",
    "first_release",
    "override",
    "promote",
    "proposals",
    "propose",
    "reject",
    "rollback",
    "serve",
    "state",
    "watch",
]
