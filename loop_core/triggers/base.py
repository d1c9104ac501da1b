"""What every trigger is: a rule that reads the findings and the loop's past, and says retrain or not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from loop_core.monitor import Finding
from loop_core.vocabulary import State, Tier

#: States in which something was told, and how near each is to an alarm where there is no number to go by.
NEARNESS = {State.OK: 0.0, State.WATCH: 0.5, State.ALARM: 1.0}
#: A trigger that did not fire is never quite there.
ALMOST = 0.99


@dataclass(frozen=True)
class Spend:
    """What retrains of one calendar month (UTC, in the loop's own time) cost."""

    retrains: int
    """Retrains that finished in it."""
    seconds: float
    """Seconds of search that they were granted: the most they may have taken."""
    next_seconds: float
    """Seconds that the charter grants the next one."""


@dataclass(frozen=True)
class Situation:
    """What a trigger may look at."""

    as_of: datetime
    """UTC instant of the evaluation."""
    findings: Sequence[Finding]
    """The monitor's as of the same instant, and what the plans ask for besides (see `situation`)."""
    last_retrain: datetime | None
    """When the loop last got a new model; None: never."""
    new_labels: int | None = None
    """Labelled rows whose label horizon passed since then: what a training now has and the last one had not. None: not
    counted."""
    spend: Spend | None = None
    """Of the month of `as_of`; None: not read."""
    guardrails: frozenset[str] = frozenset()
    """Metrics that the charter calls guardrails."""
    champion: str | None = None
    """Who serves; None: nobody, or it is not known."""


@dataclass(frozen=True)
class Evidence:
    """A finding that a reading rests on."""

    code: str
    subject: str
    state: State
    value: float | None
    """In the check's unit; None: not measurable."""
    threshold: float | None
    """None: none applies."""
    query: str
    """SQL or call that reproduces the value; empty: the finding's sentence says it all."""


@dataclass(frozen=True)
class TriggerReading:
    """What one trigger said, fired or not."""

    kind: str
    """Its name in the registry."""
    fired: bool
    sentence: str
    """Why, for people."""
    distance: float | None
    """How far it has come, 0..1: 1 fires. None: it cannot be told."""
    tier: Tier = Tier.ROUTINE
    evidence: tuple[Evidence, ...] = ()
    """The findings it rests on, those that speak for a retrain first; empty: it looks at none."""
    parts: tuple[TriggerReading, ...] = ()
    """What the parts of `any` and `all` said."""

    @property
    def fired_kinds(self) -> tuple[str, ...]:
        """Its kind, or those of the parts that fired; empty: it did not fire."""
        if not self.fired:
            return ()
        return tuple(kind for part in self.parts for kind in part.fired_kinds) or (self.kind,)


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


def days_since(situation: Situation) -> int | None:
    """Whole UTC days from that of the last retrain to that of the evaluation; None: there was no retrain.

    Days are counted as windows count them: an evaluation that comes some seconds earlier in its day than the last one did
    misses no turn.
    """
    if situation.last_retrain is None:
        return None
    return (situation.as_of.astimezone(UTC).date() - situation.last_retrain.astimezone(UTC).date()).days


def share(part: float, whole: float, fired: bool) -> float:
    """A distance: part of a whole, kept within 0 and 1; 1 is for what fired.

    >>> share(3, 4, False), share(5, 4, True), share(4, 4, False)
    (0.75, 1.0, 0.99)
    """
    return 1.0 if fired else min(ALMOST, max(0.0, part / whole if whole else 0.0))


def told(findings: Iterable[Finding]) -> list[Finding]:
    """Findings about everybody that say something; those that wait for rows or labels are left out. The order is that of
    their nearness to an alarm, then of their names: it does not depend on the order they come in."""
    kept = [f for f in findings if f.cohort is None and f.state in NEARNESS]
    return sorted(kept, key=lambda f: (-NEARNESS[f.state], f.code, f.subject))


def evidence(findings: Iterable[Finding]) -> tuple[Evidence, ...]:
    """Findings as evidence, in the order given."""
    return tuple(Evidence(f.code, f.subject, f.state, f.value, f.threshold, f.evidence) for f in findings)
