"""The whole loop, once, on one screen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from loop_core.alerts import raise_alerts
from loop_core.compare import Scorecard, compare
from loop_core.errors import IntegrityError, NotReadyError, RefusedError
from loop_core.monitor import Finding, monitor, record_findings
from loop_core.monitor.profiles import refresh_profiles
from loop_core.monitor.settled import refresh_measures
from loop_core.release import ProposalState, approve, promote, propose, state, watch
from loop_core.retrain import Budget, retrain
from loop_core.triggers import Decision, decide, record_decision
from loop_core.workspace import Loop

Progress = Callable[[float, str], None]

#: The two identities of the automatic release: like people, neither approves its own proposal.
PROPOSER, APPROVER = "policy:propose", "policy:approve"


@dataclass(frozen=True)
class CycleReport:
    """What one cycle saw and did."""

    loop: str
    as_of: datetime
    findings: tuple[Finding, ...]
    decision: Decision
    challenger: str | None
    """Version trained in this cycle; None: no retrain was due, or it could not be done."""
    scorecard: Scorecard | None
    promoted: str | None
    """Version released by the charter's automatic release; None: none."""
    rolled_back_to: str | None
    notes: tuple[str, ...]
    """What could not be done, and why."""


def run_cycle(
    loop: Loop, as_of: datetime, *, actor: str, seed: int = 0, train: bool = True, progress: Progress | None = None
) -> CycleReport:
    """Monitor → findings → alerts → decision → retrain → compare → release or rollback, as of one instant.

    Args:
        loop: the loop.
        as_of: UTC instant; nothing later is known.
        actor: who runs it; on record with everything it does.
        seed: of the retrain.
        train: False: decisions are recorded but no model is trained.
        progress: told of the retrain's progress.
    """
    say = progress or (lambda share, sentence: None)
    refresh_profiles(loop, actor=actor)
    refresh_measures(loop, as_of)
    findings = monitor(loop, as_of)
    record_findings(loop, as_of, findings, actor=actor)
    raise_alerts(loop, as_of, findings, actor=actor)
    undone = watch(loop, as_of, actor=actor)
    decision = decide(loop, as_of, findings)
    record_decision(loop, decision, actor=actor)
    challenger, card, promoted, notes = None, None, None, []
    if decision.retrain and train:
        try:
            plan = loop.charter.retrain
            challenger = retrain(
                loop, as_of=as_of, actor=actor, seed=seed, budget=Budget(plan.trials, plan.seconds), progress=say
            ).version
            card = compare(loop, challenger, as_of=as_of, actor=actor)
            promoted = _release(loop, card, as_of) if loop.charter.rollout.auto_release else None
        except (IntegrityError, NotReadyError, RefusedError) as error:
            notes.append(str(error))
    report = CycleReport(
        loop=loop.name,
        as_of=as_of,
        findings=tuple(findings),
        decision=decision,
        challenger=challenger,
        scorecard=card,
        promoted=promoted,
        rolled_back_to=undone.subject if undone else None,
        notes=tuple(notes),
    )
    _record(loop, report, actor)
    return report


def _release(loop: Loop, card: Scorecard, as_of: datetime) -> str | None:
    """Propose, approve and promote under the two policy identities; None when a gate is not passed."""
    if any(gate.state != "passed" for gate in card.gates) or not card.gates:
        return None
    waiting = [
        p
        for p in state(loop, as_of).proposals
        if p.challenger == card.challenger and p.state in (ProposalState.OPEN, ProposalState.APPROVED)
    ]
    proposal = (
        waiting[0]
        if waiting
        else propose(loop, card.challenger, scorecard=card.id, actor=PROPOSER, as_of=as_of, reason=card.sentence)
    )
    if proposal.state is ProposalState.OPEN:
        proposal = approve(loop, proposal.id, actor=APPROVER, as_of=as_of, reason="every gate of the charter passed")
    if proposal.state is not ProposalState.APPROVED:
        return None
    return promote(loop, proposal.id, actor=PROPOSER, as_of=as_of).subject


def _record(loop: Loop, report: CycleReport, actor: str) -> None:
    loop.ledger.append(
        kind="cycle.ran",
        loop=loop.name,
        subject=f"{report.as_of:%Y-%m-%d}",
        actor=actor,
        as_of=report.as_of,
        payload={
            "findings": len(report.findings),
            "retrain": report.decision.retrain,
            "challenger": report.challenger,
            "promoted": report.promoted,
            "rolled_back_to": report.rolled_back_to,
            "notes": list(report.notes),
        },
        key=f"cycle:{loop.name}:{report.as_of.isoformat()}",
    )
