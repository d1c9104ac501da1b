"""Triggers that could never fire in a loop, told before anybody waits for them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from loop_core.charter.plans import TriggerPlan

if TYPE_CHECKING:
    from loop_core.charter.model import Charter


def never_fires(charter: Charter, plans: Sequence[TriggerPlan]) -> str:
    """Why a trigger, or a part of one, could never fire under a charter, in one sentence; empty: all can.

    Args:
        charter: the loop's.
        plans: its triggers, or others to be tried in it.
    """
    watched = [metric.name for metric in charter.watched]
    for plan in (part for whole in plans for part in whole.with_parts):
        if plan.min_features is not None and plan.min_features > len(charter.features):
            return f"a trigger waits for {plan.min_features} drifted features, and there are {len(charter.features)}"
        most, granted = plan.seconds_per_month, charter.retrain.seconds
        if most is not None and most < granted:
            return f"a trigger with seconds_per_month = {most:g} never fires: a retrain is granted {granted:g} s"
        if plan.metric is not None and plan.metric not in watched:
            return f"a trigger waits for metric {plan.metric!r}, which [[metrics]] does not have among those watched by window"
    return ""
