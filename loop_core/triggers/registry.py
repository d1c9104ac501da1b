"""Every kind of trigger, made from its part of the charter."""

from __future__ import annotations

from collections.abc import Callable

from loop_core.charter import TriggerPlan
from loop_core.errors import UnknownNameError
from loop_core.triggers.base import Trigger
from loop_core.triggers.cooldown import Cooldown
from loop_core.triggers.drift import Drift
from loop_core.triggers.every_week import EveryWeek
from loop_core.triggers.never import Never
from loop_core.triggers.schedule import Schedule

#: Kind → how it is made; the charter has checked that what a kind needs is there.
TRIGGERS: dict[str, Callable[[TriggerPlan], Trigger]] = {
    "never": lambda plan: Never(plan.tier),
    "every_week": lambda plan: EveryWeek(plan.tier),
    "schedule": lambda plan: Schedule(plan.every_days or 1, plan.tier),
    "drift": lambda plan: Drift(plan.min_features or 1, plan.tier),
}


def make(plan: TriggerPlan) -> Trigger:
    """The trigger of a plan, patient where it asks for that; UnknownNameError lists the kinds."""
    if plan.kind not in TRIGGERS:
        raise UnknownNameError("trigger", plan.kind, TRIGGERS)
    trigger = TRIGGERS[plan.kind](plan)
    return Cooldown(trigger, plan.cooldown_days) if plan.cooldown_days else trigger
