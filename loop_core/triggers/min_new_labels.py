"""Makes any trigger wait until a retrain would see something new."""

from __future__ import annotations

from dataclasses import dataclass, replace

from loop_core.triggers.base import Situation, Trigger, TriggerReading, share
from loop_core.vocabulary import Tier


@dataclass(frozen=True)
class MinNewLabels:
    trigger: Trigger
    labels: int

    @property
    def kind(self) -> str:
        return self.trigger.kind

    @property
    def tier(self) -> Tier:
        return self.trigger.tier

    def read(self, situation: Situation) -> TriggerReading:
        inner, new = self.trigger.read(situation), situation.new_labels
        if not inner.fired or (new is not None and new >= self.labels):
            return inner
        if new is None:
            return replace(
                inner, fired=False, sentence=f"{inner.sentence} Silent: new labels were not counted.", distance=None
            )
        said = f"{inner.sentence} Silent: {new:,} of {self.labels:,} new labels have matured since the last retrain."
        return replace(inner, fired=False, sentence=said, distance=share(new, self.labels, False))
