"""Every kind of trigger, made from its part of the charter."""

from __future__ import annotations

from collections.abc import Callable

from loop_core.charter import TriggerPlan
from loop_core.errors import UnknownNameError
from loop_core.triggers.base import Trigger
from loop_core.triggers.budget import Budget
from loop_core.triggers.combine import AllOf, AnyOf
from loop_core.triggers.cooldown import Cooldown
from loop_core.triggers.drift import Drift
from loop_core.triggers.every_week import EveryWeek
from loop_core.triggers.feedback import Feedback
from loop_core.triggers.label_volume import LabelVolume
from loop_core.triggers.min_new_labels import MinNewLabels
from loop_core.triggers.never import Never
from loop_core.triggers.performance import Performance
from loop_core.triggers.schedule import Cron, Schedule
from loop_core.triggers.urgent import Urgent


def _schedule(plan: TriggerPlan) -> Trigger:
    return Cron(plan.cron, plan.urgency) if plan.cron else Schedule(plan.every_days or 1, plan.urgency)


#: Kind → how it is made; the charter has checked that what a kind needs is there.
TRIGGERS: dict[str, Callable[[TriggerPlan], Trigger]] = {
    "never": lambda plan: Never(plan.urgency),
    "every_week": lambda plan: EveryWeek(plan.urgency),
    "schedule": _schedule,
    "drift": lambda plan: Drift(plan.min_features or 1, plan.urgency),
    "performance": lambda plan: Performance(plan.metric, plan.basis, plan.min_rise, plan.urgency),
    "feedback": lambda plan: Feedback(plan.max_low_share, plan.urgency),
    "label_volume": lambda plan: LabelVolume(plan.min_labels or 1, plan.urgency),
    "urgent": lambda plan: Urgent(plan.urgency),
    "any": lambda plan: AnyOf(tuple(map(make, plan.of)), plan.tier),
    "all": lambda plan: AllOf(tuple(map(make, plan.of)), plan.tier),
}


def make(plan: TriggerPlan) -> Trigger:
    """The trigger of a plan, within what the plan holds it back by; UnknownNameError lists the kinds."""
    if plan.kind not in TRIGGERS:
        raise UnknownNameError("trigger", plan.kind, TRIGGERS)
    trigger = TRIGGERS[plan.kind](plan)
    if plan.cooldown_days:
        trigger = Cooldown(trigger, plan.cooldown_days)
    if plan.min_new_labels:
        trigger = MinNewLabels(trigger, plan.min_new_labels)
    if plan.seconds_per_month is not None:
        trigger = Budget(trigger, plan.seconds_per_month)
    return trigger
