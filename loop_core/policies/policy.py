"""A policy: triggers under a name, from a charter, a file of its own, or one of the baselines."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from loop_core.charter import Charter, TriggerPlan, never_fires, parse_triggers
from loop_core.errors import CharterError
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


def check_policy(charter: Charter, policy: Policy) -> None:
    """See that a policy could do something under a charter.

    Raises:
        CharterError: a trigger of it could never fire in this loop.
    """
    if why := never_fires(charter, policy.triggers):
        raise CharterError(
            f"Policy {policy.name!r}: {why}", "triggers that can fire under the loop's charter", "correct the policy"
        )


def policy_text(triggers: Iterable[TriggerPlan]) -> str:
    """Triggers as the TOML that `parse_policy` reads, without what they do not say.

    >>> print(policy_text([TriggerPlan(kind="any", of=(TriggerPlan(kind="drift", min_features=4),))]))
    [[triggers]]
    kind = "any"
    of = [{ kind = "drift", min_features = 4 }]
    """
    return "\n\n".join(
        "\n".join(["[[triggers]]", *(f"{name} = {_toml(value)}" for name, value in said.items())])
        for said in (plan.model_dump(mode="json", exclude_defaults=True) for plan in triggers)
    )


def _toml(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{name} = {_toml(inner)}" for name, inner in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    # Text, numbers and truth values are spelled alike in JSON and TOML.
    return json.dumps(value, ensure_ascii=False)


def baselines() -> tuple[Policy, ...]:
    """What cleverness is measured against: never, and at every weekly evaluation."""
    return Policy(NEVER, (TriggerPlan(kind="never"),)), Policy(EVERY_WEEK, (TriggerPlan(kind="every_week"),), 1)


def fixed(weeks: Sequence[int] = FIXED_WEEKS) -> tuple[Policy, ...]:
    """Schedules of so many weeks each."""
    return tuple(
        Policy(f"every {n} weeks", (TriggerPlan(kind="schedule", every_days=timedelta(weeks=n).days),), n)
        for n in weeks
    )
