"""Retrain at every weekly evaluation: the baseline that shows what cleverness saves."""

from __future__ import annotations

from dataclasses import dataclass

from loop_core.triggers.base import Situation, TriggerReading
from loop_core.triggers.schedule import Schedule
from loop_core.vocabulary import Tier


@dataclass(frozen=True)
class EveryWeek:
    tier: Tier = Tier.ROUTINE
    kind: str = "every_week"

    def read(self, situation: Situation) -> TriggerReading:
        return Schedule(7, self.tier, self.kind).read(situation)
