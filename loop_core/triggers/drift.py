"""Retrain when enough features have drifted in the newest window."""

from __future__ import annotations

from dataclasses import dataclass

from loop_core.triggers.base import Situation, TriggerReading, evidence, share, told
from loop_core.vocabulary import State, Tier

CODE = "drift.feature"


@dataclass(frozen=True)
class Drift:
    """Counts `drift.feature` findings in state alarm; a feature on watch does not count."""

    min_features: int
    tier: Tier = Tier.EVENT
    kind: str = "drift"

    def read(self, situation: Situation) -> TriggerReading:
        seen = told(f for f in situation.findings if f.code == CODE)
        if not seen:
            cannot = "Drift cannot be told: no feature has enough rows in the newest window."
            return TriggerReading(self.kind, False, cannot, None, self.tier)
        drifted = [f for f in seen if f.state is State.ALARM]
        named = f" ({', '.join(f.subject for f in drifted[:5])})" if drifted else ""
        sentence = f"{len(drifted)} of {len(seen)} features drifted{named}; {self.min_features} are needed."
        fired = len(drifted) >= self.min_features
        distance = share(len(drifted), self.min_features, fired)
        return TriggerReading(self.kind, fired, sentence, distance, self.tier, evidence(drifted))
