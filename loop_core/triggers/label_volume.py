"""Retrain when there is enough new to learn from."""

from __future__ import annotations

from dataclasses import dataclass

from loop_core.triggers.base import Situation, TriggerReading, share
from loop_core.vocabulary import Tier


@dataclass(frozen=True)
class LabelVolume:
    min_labels: int
    tier: Tier = Tier.ROUTINE
    kind: str = "label_volume"

    def read(self, situation: Situation) -> TriggerReading:
        new = situation.new_labels
        if new is None:
            return TriggerReading(self.kind, False, "New labels were not counted.", None, self.tier)
        fired = new >= self.min_labels
        sentence = f"{new:,} labels matured since the last retrain; {self.min_labels:,} are needed."
        return TriggerReading(self.kind, fired, sentence, share(new, self.min_labels, fired), self.tier)
