"""Several triggers as one: any of them, or all of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from loop_core.triggers.base import ALMOST, Evidence, Situation, Trigger, TriggerReading
from loop_core.vocabulary import Tier

_URGENCY = list(Tier)


@dataclass(frozen=True)
class AnyOf:
    """Fires with the first of its parts."""

    triggers: tuple[Trigger, ...]
    declared: Tier | None = None
    """None: as urgent as the most urgent part that fired, routine where none did."""
    kind: str = "any"

    @property
    def tier(self) -> Tier:
        return self.declared or Tier.ROUTINE

    def read(self, situation: Situation) -> TriggerReading:
        parts = tuple(trigger.read(situation) for trigger in self.triggers)
        fired = [part for part in parts if part.fired]
        known = [part.distance for part in parts if part.distance is not None]
        return TriggerReading(
            kind=self.kind,
            fired=bool(fired),
            sentence=" ".join(part.sentence for part in fired or parts),
            distance=max(known, default=None),
            tier=self.declared or most_urgent((part.tier for part in fired), Tier.ROUTINE),
            evidence=_together(fired or parts),
            parts=parts,
        )


@dataclass(frozen=True)
class AllOf:
    """Fires where all of its parts do; as far as the one that is farthest from it."""

    triggers: tuple[Trigger, ...]
    declared: Tier | None = None
    """None: as urgent as the most urgent of its parts."""
    kind: str = "all"

    @property
    def tier(self) -> Tier:
        return self.declared or most_urgent((trigger.tier for trigger in self.triggers), Tier.ROUTINE)

    def read(self, situation: Situation) -> TriggerReading:
        parts = tuple(trigger.read(situation) for trigger in self.triggers)
        missing, known = (
            [part for part in parts if not part.fired],
            [part.distance for part in parts if part.distance is not None],
        )
        nearest = None if len(known) < len(parts) else min(known)
        return TriggerReading(
            kind=self.kind,
            fired=not missing,
            sentence=" ".join(part.sentence for part in missing or parts),
            distance=nearest if not missing or nearest is None else min(ALMOST, nearest),
            tier=self.declared or most_urgent((part.tier for part in parts), Tier.ROUTINE),
            evidence=_together(parts),
            parts=parts,
        )


def most_urgent(tiers: Iterable[Tier], otherwise: Tier) -> Tier:
    """The most urgent of some; `otherwise` of none."""
    return max(tiers, key=_URGENCY.index, default=otherwise)


def _together(parts: Iterable[TriggerReading]) -> tuple[Evidence, ...]:
    """What several rest on, each once."""
    return tuple(dict.fromkeys(one for part in parts for one in part.evidence))
