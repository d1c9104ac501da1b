"""Call for help when something critical failed: answers, an input, a guardrail."""

from __future__ import annotations

from dataclasses import dataclass

from loop_core.monitor import Finding
from loop_core.triggers.base import NEARNESS, Situation, TriggerReading, evidence, share, told
from loop_core.triggers.performance import REALISED
from loop_core.vocabulary import State, Tier

ERRORS, DAMAGED, BROKEN = "service.errors", "service.model", "quality.broken_feature"


@dataclass(frozen=True)
class Urgent:
    """Fires on alarms of four kinds: more answers fail than the charter allows (`service.errors`), the champion's files were
    changed or are gone (`service.model`), a feature became null or unseen wholesale (`quality.broken_feature`, see
    `broken`), a guardrail metric fell (`performance.<guardrail>`). What is told of a model that no longer serves is left out.

    A retrain takes a while, so its decision also proposes what to do at once (see `remedy`).
    """

    tier: Tier = Tier.URGENT
    kind: str = "urgent"

    def read(self, situation: Situation) -> TriggerReading:
        codes = {ERRORS, DAMAGED, BROKEN, *(REALISED + metric for metric in situation.guardrails)}
        seen = told(f for f in situation.findings if f.code in codes and _serves(f, situation.champion))
        if not seen:
            cannot = "Nothing critical can be told: there is neither service nor input to look at yet."
            return TriggerReading(self.kind, False, cannot, None, self.tier)
        loud = [f for f in seen if f.state is State.ALARM]
        sentence = " ".join(f.sentence for f in loud) or f"Nothing critical failed ({len(seen)} findings looked at)."
        nearest = max(_distance(f) for f in seen)
        return TriggerReading(self.kind, bool(loud), sentence, nearest, self.tier, evidence(loud or seen[:1]))


def _serves(finding: Finding, champion: str | None) -> bool:
    """Whether a finding is about who serves, or about no model that is known; where several models answered (`a + b`), it is
    about each of them."""
    answered = finding.model_version
    return champion is None or answered is None or champion in answered.split(" + ")


def _distance(finding: Finding) -> float:
    if finding.code in (ERRORS, BROKEN) and finding.value is not None and finding.threshold:
        return share(finding.value, finding.threshold, finding.state is State.ALARM)
    return NEARNESS[finding.state]
