"""Findings and triggers → one decision, and its record in the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from loop_core.ledger import Entry
from loop_core.monitor import Finding
from loop_core.triggers.base import Situation, TriggerReading
from loop_core.triggers.registry import make
from loop_core.vocabulary import Tier
from loop_core.workspace import Loop

_URGENCY = list(Tier)


@dataclass(frozen=True)
class Decision:
    """Retrain or not, and what every trigger said."""

    as_of: datetime
    retrain: bool
    tier: Tier | None
    """The most urgent among those that fired; None: none did."""
    fired: tuple[str, ...]
    """Kinds that fired."""
    evaluated: tuple[TriggerReading, ...]
    """In the order of the charter."""

    @property
    def sentence(self) -> str:
        """The decision in words."""
        if not self.evaluated:
            return "No retrain: the charter has no trigger."
        said = [r.sentence for r in self.evaluated if r.fired == self.retrain]
        return f"{'Retrain' if self.retrain else 'No retrain'}: {' '.join(said)}"


def decide(loop: Loop, as_of: datetime, findings: Sequence[Finding]) -> Decision:
    """Ask every trigger of the charter. Nothing is recorded.

    Args:
        loop: the loop.
        as_of: UTC instant.
        findings: the monitor's, as of the same instant.
    """
    situation = Situation(as_of, findings, last_retrain(loop, as_of))
    readings = tuple(make(plan).read(situation) for plan in loop.charter.triggers)
    fired = [reading for reading in readings if reading.fired]
    tier = max((r.tier for r in fired), key=_URGENCY.index, default=None)
    return Decision(as_of, bool(fired), tier, tuple(r.kind for r in fired), readings)


def record_decision(loop: Loop, decision: Decision, *, actor: str) -> Entry:
    """Write `trigger.decided` to the ledger, whatever was decided. The same instant again changes nothing."""
    readings = [
        {"kind": r.kind, "fired": r.fired, "sentence": r.sentence, "distance": r.distance, "tier": r.tier.value}
        for r in decision.evaluated
    ]
    return loop.ledger.append(
        kind="trigger.decided",
        loop=loop.name,
        subject="retrain" if decision.retrain else "wait",
        actor=actor,
        as_of=decision.as_of,
        reason=decision.sentence,
        payload={
            "retrain": decision.retrain,
            "tier": decision.tier and decision.tier.value,
            "fired": list(decision.fired),
            "evaluated": readings,
        },
        key=f"trigger.decided:{loop.name}:{decision.as_of.isoformat()}",
    )


def last_retrain(loop: Loop, as_of: datetime) -> datetime | None:
    """When the loop last got a model, by a retrain or as its first one; None: never."""
    made = [entry.as_of for kind in ("retrain.finished", "model.registered") for entry in loop.entries(kind, as_of)]
    return max(made, default=None)
