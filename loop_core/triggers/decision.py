"""Findings and triggers → one decision, and its record in the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from loop_core.charter import Charter, TriggerPlan
from loop_core.frames import to_json
from loop_core.ledger import Entry
from loop_core.monitor import Finding, findings_at
from loop_core.people import distinct_people
from loop_core.triggers.base import Situation, Spend, TriggerReading
from loop_core.triggers.combine import most_urgent
from loop_core.triggers.registry import make
from loop_core.triggers.remedy import Remedy, remedy
from loop_core.triggers.situation import situation
from loop_core.vocabulary import Tier
from loop_core.workspace import Loop


@dataclass(frozen=True)
class Decision:
    """Retrain or not, and what every trigger said."""

    as_of: datetime
    retrain: bool
    tier: Tier | None
    """The most urgent among those that fired; None: none did."""
    fired: tuple[str, ...]
    """Kinds that fired; of `any` and `all`, the parts that did. Each once."""
    evaluated: tuple[TriggerReading, ...]
    """In the order of the charter: what fired, and how far the rest was."""
    asks: tuple[str, ...] = ()
    """Who is asked; empty: nothing fired."""
    spend: Spend | None = None
    """What retrains of the month cost so far; None: not read."""
    remedy: Remedy | None = None
    """What to do at once; None: nothing urgent fired."""

    @property
    def sentence(self) -> str:
        """The decision in words."""
        if not self.evaluated:
            return "No retrain: the charter has no trigger."
        said = [r.sentence for r in self.evaluated if r.fired == self.retrain]
        at_once = f" At once: {self.remedy.sentence}" if self.remedy else ""
        return f"{'Retrain' if self.retrain else 'No retrain'}: {' '.join(said)}{at_once}"


def decide(loop: Loop, as_of: datetime, findings: Sequence[Finding]) -> Decision:
    """Ask every trigger of the charter. Nothing is recorded.

    Args:
        loop: the loop.
        as_of: UTC instant.
        findings: the monitor's, as of the same instant.
    """
    plans = loop.charter.triggers
    decision = judge(loop.charter, plans, situation(loop, as_of, findings, plans))
    if decision.tier is not Tier.URGENT:
        return decision
    failed = [one for r in decision.evaluated if r.fired and r.tier is Tier.URGENT for one in r.evidence]
    return replace(decision, remedy=remedy(loop, as_of, failed))


def decide_now(loop: Loop, as_of: datetime) -> Decision:
    """What the triggers say of the newest findings on record: which would fire now, and how far the rest is."""
    return decide(loop, as_of, findings_at(loop, as_of))


def judge(charter: Charter, plans: Sequence[TriggerPlan], seen: Situation) -> Decision:
    """What a policy decides in a situation: pure, so that it can be asked of the past as well.

    Args:
        charter: says who is asked.
        plans: the policy.
        seen: what its triggers may look at.
    """
    readings = tuple(make(plan).read(seen) for plan in plans)
    fired = [(plan, reading) for plan, reading in zip(plans, readings, strict=True) if reading.fired]
    tiers = [reading.tier for _, reading in fired]
    people = distinct_people(person for plan, reading in fired for person in plan.asks or asked(charter, reading.tier))
    return Decision(
        as_of=seen.as_of,
        retrain=bool(fired),
        tier=most_urgent(tiers, Tier.ROUTINE) if tiers else None,
        fired=tuple(dict.fromkeys(kind for _, reading in fired for kind in reading.fired_kinds)),
        evaluated=readings,
        asks=people,
        spend=seen.spend,
    )


def asked(charter: Charter, tier: Tier) -> tuple[str, ...]:
    """Who is asked where a plan does not say: routine, the owner; event, whoever `[alerts.owners]` names under
    `triggers`, or the owner; urgent, the owner and everybody who may approve a release."""
    owner = charter.roles.owner
    if tier is Tier.EVENT:
        return (charter.alerts.owners.get("triggers", owner),)
    return distinct_people((owner, *charter.roles.approvers)) if tier is Tier.URGENT else (owner,)


def record_decision(loop: Loop, decision: Decision, *, actor: str) -> Entry:
    """Write `trigger.decided` to the ledger, whatever was decided. The same instant again changes nothing."""
    payload = to_json(decision)
    payload.pop("as_of")
    return loop.ledger.append(
        kind="trigger.decided",
        loop=loop.name,
        subject="retrain" if decision.retrain else "wait",
        actor=actor,
        as_of=decision.as_of,
        reason=decision.sentence,
        payload=payload,
        key=f"trigger.decided:{loop.name}:{decision.as_of.isoformat()}",
    )
