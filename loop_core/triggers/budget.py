"""Keeps any trigger within a month's compute."""

from __future__ import annotations

from dataclasses import dataclass, replace

from loop_core.figures import numbers_apart
from loop_core.triggers.base import Situation, Trigger, TriggerReading
from loop_core.vocabulary import Tier


@dataclass(frozen=True)
class Budget:
    """Silent where the next retrain, at what the charter grants it, could overrun the month."""

    trigger: Trigger
    seconds: float
    """Of search, for each calendar month."""

    @property
    def kind(self) -> str:
        return self.trigger.kind

    @property
    def tier(self) -> Tier:
        return self.trigger.tier

    def read(self, situation: Situation) -> TriggerReading:
        inner, spend = self.trigger.read(situation), situation.spend
        if not inner.fired or (spend is not None and spend.seconds + spend.next_seconds <= self.seconds):
            return inner
        if spend is None:
            why = "what this month cost so far was not read."
        else:
            granted, most, further = numbers_apart(spend.seconds, self.seconds, spend.next_seconds, digits=0)
            why = (
                f"{granted} s of this month's {most} s of compute are granted already,"
                f" and the next retrain may take {further} s."
            )
        # It waits for the month to end, which is no matter of degree.
        return replace(inner, fired=False, sentence=f"{inner.sentence} Silent: {why}", distance=None)
