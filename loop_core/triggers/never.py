"""Never retrain: the baseline that shows what retraining buys."""

from __future__ import annotations

from dataclasses import dataclass

from loop_core.triggers.base import Situation, TriggerReading
from loop_core.vocabulary import Tier


@dataclass(frozen=True)
class Never:
    tier: Tier = Tier.ROUTINE
    kind: str = "never"

    def read(self, situation: Situation) -> TriggerReading:
        return TriggerReading(self.kind, False, "This loop never retrains by itself.", 0.0, self.tier)
