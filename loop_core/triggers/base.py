"""What every trigger is: a rule that reads the findings and the loop's past, and says retrain or not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from loop_core.monitor import Finding
from loop_core.vocabulary import Tier


@dataclass(frozen=True)
class Situation:
    """What a trigger may look at."""

    as_of: datetime
    """UTC instant of the evaluation."""
    findings: Sequence[Finding]
    """The monitor's, as of the same instant."""
    last_retrain: datetime | None
    """When the loop last got a new model; None: never."""


@dataclass(frozen=True)
class TriggerReading:
    """What one trigger said, fired or not."""

    kind: str
    """Its name in the registry; `schedule after 7 quiet days` when wrapped."""
    fired: bool
    sentence: str
    """Why, for people."""
    distance: float | None
    """How far it is from firing, 0..1: 1 fires. None: it cannot be told."""
    tier: Tier = Tier.ROUTINE


class Trigger(Protocol):
    """One rule."""

    @property
    def kind(self) -> str:
        """Its name."""
        ...

    @property
    def tier(self) -> Tier:
        """How urgent its call is."""
        ...

    def read(self, situation: Situation) -> TriggerReading:
        """Fire or not, and why."""
        ...


def days_since(situation: Situation) -> float | None:
    """Days since the last retrain; None: there was none."""
    if situation.last_retrain is None:
        return None
    return (situation.as_of - situation.last_retrain).total_seconds() / 86400
