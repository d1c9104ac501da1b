"""Makes any trigger patient: silent for so many days after a retrain."""

from __future__ import annotations

from dataclasses import dataclass, replace

from loop_core.triggers.base import Situation, Trigger, TriggerReading, days_since, share
from loop_core.vocabulary import Tier


@dataclass(frozen=True)
class Cooldown:
    trigger: Trigger
    days: int

    @property
    def kind(self) -> str:
        return self.trigger.kind

    @property
    def tier(self) -> Tier:
        return self.trigger.tier

    def read(self, situation: Situation) -> TriggerReading:
        inner, passed = self.trigger.read(situation), days_since(situation)
        if not inner.fired or passed is None or passed >= self.days:
            return inner
        said = f"{inner.sentence} Silent: {passed} of {self.days} days have passed since the last retrain."
        return replace(inner, fired=False, sentence=said, distance=share(passed, self.days, False))
