"""Retrain when people complain: ratings that fell, or too many low ones."""

from __future__ import annotations

from dataclasses import dataclass

from loop_core.monitor import Finding
from loop_core.triggers.base import NEARNESS, Situation, TriggerReading, evidence, share, told
from loop_core.vocabulary import State, Tier

RATING, LOW_SHARE = "feedback.rating", "feedback.low_share"


@dataclass(frozen=True)
class Feedback:
    """Fires on the monitor's `feedback.rating` in alarm and, where `max_low_share` is given, on a higher share of low
    ratings in the newest window (`feedback.low_share` against that limit, see `situation`)."""

    max_low_share: float | None = None
    tier: Tier = Tier.EVENT
    kind: str = "feedback"

    def read(self, situation: Situation) -> TriggerReading:
        seen = told(f for f in situation.findings if self._meant(f))
        if not seen:
            cannot = "What people say cannot be told: the newest window has too few ratings."
            return TriggerReading(self.kind, False, cannot, None, self.tier)
        loud = [f for f in seen if f.state is State.ALARM]
        sentence = " ".join(f.sentence for f in loud or seen)
        nearest = max(_distance(f) for f in seen)
        return TriggerReading(self.kind, bool(loud), sentence, nearest, self.tier, evidence(loud or seen))

    def _meant(self, finding: Finding) -> bool:
        # Another trigger may allow another share: each has a finding of its own.
        own = self.max_low_share is not None and finding.threshold == self.max_low_share
        return finding.code == RATING or (finding.code == LOW_SHARE and own)


def _distance(finding: Finding) -> float:
    if finding.code == LOW_SHARE and finding.value is not None and finding.threshold:
        return share(finding.value, finding.threshold, finding.state is State.ALARM)
    return NEARNESS[finding.state]
