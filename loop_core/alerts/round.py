"""What keeps alerts alive between cycles: escalate what nobody acknowledged, send what waits."""

from __future__ import annotations

from datetime import datetime

from loop_core.alerts.delivery import DeliveryReport, deliver
from loop_core.alerts.raising import escalate
from loop_core.workspace import Workspace

#: On record with an escalation between two cycles.
ACTOR = "policy:escalate"


def tend(ws: Workspace, *, now: datetime) -> DeliveryReport:
    """One round over a workspace: escalations of loops on the wall clock, then delivery."""
    for name in ws.loops():
        loop = ws.loop(name)
        if loop.charter.loop.clock == "wall":
            escalate(loop, now, actor=ACTOR)
    return deliver(ws, now=now)
