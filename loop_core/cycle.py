"""The whole loop, once, on one screen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from loop_core.alerts import raise_alerts
from loop_core.compare import Scorecard, compare, latest_scorecard
from loop_core.errors import IntegrityError, NotReadyError, RefusedError
from loop_core.ledger import Entry
from loop_core.monitor import Finding, monitor, record_findings
from loop_core.monitor.profiles import refresh_profiles
from loop_core.monitor.settled import refresh_measures
from loop_core.release import ProposalState, approve, promote, propose, state, watch
from loop_core.retrain import retrain
from loop_core.triggers import Decision, decide, record_decision
from loop_core.vocabulary import State, Tier
from loop_core.workspace import Loop

Progress = Callable[[float, str], None]
ShouldStop = Callable[[], bool]

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
    loop: Loop,
    as_of: datetime,
    *,
    actor: str,
    seed: int = 0,
    train: bool = True,
    progress: Progress | None = None,
    should_stop: ShouldStop | None = None,
) -> CycleReport:
    """Monitor → findings → alerts → decision → retrain → compare → release or rollback, as of one instant.

    A cycle that was killed goes on where it was: what it had decided stands, and a model it had trained is compared.

    Args:
        loop: the loop.
        as_of: UTC instant; nothing later is known.
        actor: who runs it; on record with everything it does.
        seed: of the retrain.
        train: False: decisions are recorded but no model is trained.
        progress: told of the retrain's progress.
        should_stop: asked by the retrain; True ends it.

    Raises:
        StoppedError: stopped on request; finished trials are kept.
    """
    refresh_profiles(loop, actor=actor)
    refresh_measures(loop, as_of)
    findings = monitor(loop, as_of)
    record_findings(loop, as_of, findings, actor=actor)
    raise_alerts(loop, as_of, findings, actor=actor)
    undone = watch(loop, as_of, actor=actor)
    decision, recorded = _decided(loop, as_of, findings, actor)
    challenger, card, promoted, notes = None, None, None, []
    if decision.retrain and train:
        try:
            challenger = _trained(loop, recorded)
            if challenger is None:
                result = retrain(loop, as_of=as_of, actor=actor, seed=seed, progress=progress, should_stop=should_stop)
                challenger = result.version
                if result.state is State.WATCH:
                    notes.append(result.sentence)
            card, promoted = _judged(loop, challenger, as_of, actor)
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


def _decided(loop: Loop, as_of: datetime, findings: Sequence[Finding], actor: str) -> tuple[Decision, Entry]:
    """What is decided at an instant, and its record. Where it was decided before, by a cycle that was killed, the record
    stands: what came of it, a new model, would silence its triggers now."""
    decision = decide(loop, as_of, findings)
    entry = record_decision(loop, decision, actor=actor)
    told = entry.payload
    if decision.retrain == told["retrain"]:
        return decision, entry
    tier = told["tier"] and Tier(told["tier"])
    kept = replace(decision, retrain=told["retrain"], tier=tier, fired=tuple(told["fired"]), asks=tuple(told["asks"]))
    return kept, entry


def _trained(loop: Loop, decided: Entry) -> str | None:
    """The model that came of a decision before its cycle was killed; None: it has still to be trained."""
    made = loop.entries("retrain.finished", decided.as_of)
    return next((e.subject for e in made if e.as_of == decided.as_of and e.seq > decided.seq), None)


def _judged(loop: Loop, challenger: str, as_of: datetime, actor: str) -> tuple[Scorecard | None, str | None]:
    """A challenger's comparison, and its version if it was released by it."""
    if challenger == loop.champion(as_of):  # released before the cycle was killed
        return latest_scorecard(loop, challenger), challenger
    card = compare(loop, challenger, as_of=as_of, actor=actor)
    return card, _release(loop, card, as_of) if loop.charter.rollout.auto_release else None


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
