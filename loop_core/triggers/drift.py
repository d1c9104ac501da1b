"""Retrain when enough features have drifted in the newest window."""

from __future__ import annotations

from dataclasses import dataclass

from loop_core.triggers.base import Situation, TriggerReading
from loop_core.vocabulary import State, Tier

CODE = "drift.feature"


@dataclass(frozen=True)
class Drift:
    """Counts `drift.feature` findings in state alarm; a feature on watch does not count."""

    min_features: int
    tier: Tier = Tier.EVENT
    kind: str = "drift"

    def read(self, situation: Situation) -> TriggerReading:
        seen = [f for f in situation.findings if f.code == CODE and f.cohort is None]
        told = [f for f in seen if f.state in (State.OK, State.WATCH, State.ALARM)]
        if not told:
            return TriggerReading(
                self.kind,
                False,
                "Drift cannot be told: no feature has enough rows in the newest window.",
                None,
                self.tier,
            )
        drifted = sorted(f.subject for f in told if f.state is State.ALARM)
        named = f" ({', '.join(drifted[:5])})" if drifted else ""
        sentence = f"{len(drifted)} of {len(told)} features drifted{named}; {self.min_features} are needed."
        return TriggerReading(
            self.kind,
            len(drifted) >= self.min_features,
            sentence,
            min(1.0, len(drifted) / self.min_features),
            self.tier,
        )
