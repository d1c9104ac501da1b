"""Retrain when the model got worse: by the labels that are in, or as far as scores alone can tell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from loop_core.monitor import Finding
from loop_core.signed import signed_difference
from loop_core.triggers.base import NEARNESS, Situation, TriggerReading, evidence, share, told
from loop_core.vocabulary import State, Tier

REALISED, ESTIMATED = "performance.", "estimate."
Basis = Literal["realised", "estimated", "either"]
_PREFIXES = {"realised": (REALISED,), "estimated": (ESTIMATED,), "either": (REALISED, ESTIMATED)}


@dataclass(frozen=True)
class Performance:
    """Fires on findings in state alarm, or on a rise over the usual of `min_rise`. Only everybody counts, no cohort."""

    metric: str | None = None
    """None: any metric of the charter."""
    basis: Basis = "realised"
    min_rise: float | None = None
    """In the metric's unit, up is bad; None: the monitor's own alarm decides."""
    tier: Tier = Tier.EVENT
    kind: str = "performance"

    def read(self, situation: Situation) -> TriggerReading:
        seen = told(f for f in situation.findings if self._meant(f))
        if not seen:
            cannot = f"Performance cannot be told: no {self._words} is there for any window yet."
            return TriggerReading(self.kind, False, cannot, None, self.tier)
        worse = [f for f in seen if self._worse(f)]
        nearest = max(self._distance(f) for f in seen)
        sentence = (
            " ".join(f.sentence for f in worse) or f"No {self._words} is {self._needed}: {_told(seen, self.min_rise)}."
        )
        return TriggerReading(self.kind, bool(worse), sentence, nearest, self.tier, evidence(worse or seen[:1]))

    @property
    def _words(self) -> str:
        kind = "estimated or realised" if self.basis == "either" else self.basis
        return f"{kind} {self.metric.replace('_', ' ') if self.metric else 'metric'}"

    @property
    def _needed(self) -> str:
        return "in alarm" if self.min_rise is None else f"worse than usual by {self.min_rise:g}"

    def _meant(self, finding: Finding) -> bool:
        return finding.code.startswith(_PREFIXES[self.basis]) and self.metric in (None, finding.code.split(".")[1])

    def _worse(self, finding: Finding) -> bool:
        if self.min_rise is None:
            return finding.state is State.ALARM
        return finding.impact is not None and finding.impact >= self.min_rise

    def _distance(self, finding: Finding) -> float:
        if self.min_rise is None:
            return NEARNESS[finding.state]
        return share(finding.impact or 0.0, self.min_rise, self._worse(finding))


def _told(seen: list[Finding], min_rise: float | None) -> str:
    if min_rise is None:
        return ", ".join(f"{f.subject} {f.state.value}" for f in seen)
    return ", ".join(f"{f.subject} {signed_difference(-(f.impact or 0.0))}" for f in seen)
