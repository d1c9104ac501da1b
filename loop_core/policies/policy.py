"""A policy: triggers under a name, from a charter, a file of its own, or one of the baselines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from loop_core.charter import TriggerPlan, parse_triggers
from loop_core.workspace import Loop

NEVER, EVERY_WEEK, IN_FORCE = "never", "every_week", "in force"
#: Weeks of the fixed schedules among which the best is found in hindsight.
FIXED_WEEKS = (2, 4, 8, 13, 26)


@dataclass(frozen=True)
class Policy:
    """Triggers under a name; any of them starts a retrain."""

    name: str
    triggers: tuple[TriggerPlan, ...]
    weeks: int | None = None
    """Of a fixed schedule; None: it is none."""


def policy_in_force(loop: Loop) -> Policy:
    """The charter's triggers."""
    return Policy(IN_FORCE, loop.charter.triggers)


def parse_policy(name: str, text: str) -> Policy:
    """TOML with `[[triggers]]` as in a charter → Policy.

    Raises:
        CharterError: it does not validate; the message lists every problem with its line.
    """
    return Policy(name, parse_triggers(text, name))


def baselines() -> tuple[Policy, ...]:
    """What cleverness is measured against: never, and at every weekly evaluation."""
    return Policy(NEVER, (TriggerPlan(kind="never"),)), Policy(EVERY_WEEK, (TriggerPlan(kind="every_week"),), 1)


def fixed(weeks: Sequence[int] = FIXED_WEEKS) -> tuple[Policy, ...]:
    """Schedules of so many weeks each."""
    return tuple(
        Policy(f"every {n} weeks", (TriggerPlan(kind="schedule", every_days=timedelta(weeks=n).days),), n)
        for n in weeks
    )
