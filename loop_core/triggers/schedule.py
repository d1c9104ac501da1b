"""Retrain when the newest model is so many days old."""

from __future__ import annotations

from dataclasses import dataclass

from loop_core.triggers.base import Situation, TriggerReading, days_since
from loop_core.vocabulary import Tier


@dataclass(frozen=True)
class Schedule:
    every_days: int
    tier: Tier = Tier.ROUTINE
    kind: str = "schedule"

    def read(self, situation: Situation) -> TriggerReading:
        passed = days_since(situation)
        if passed is None:
            return TriggerReading(
                self.kind, True, f"No retrain is on record; one is due every {self.every_days} days.", 1.0, self.tier
            )
        fired = passed >= self.every_days
        sentence = f"{passed:.0f} days since the last retrain; one is due every {self.every_days} days."
        return TriggerReading(self.kind, fired, sentence, min(1.0, max(0.0, passed / self.every_days)), self.tier)
