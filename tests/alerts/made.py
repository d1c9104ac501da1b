"""Findings and loops for the tests of alerts."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from loop_core.alerts import Alert, raise_alerts
from loop_core.charter import parse_charter
from loop_core.monitor import Finding, record_findings
from loop_core.vocabulary import State
from loop_core.workspace import Loop
from tests.conftest import CHARTER, START

WEEK, DAY = timedelta(days=7), timedelta(days=1)
POLICY = """
[alerts]
owners = { drift = "bea", "drift.score" = "cleo" }
escalate_after_days = 3
escalate_to = "dora"
"""


def finding(code: str = "drift.feature", subject: str = "price", state: State = State.ALARM, **more: Any) -> Finding:
    """A finding on the week that ends at `START`, unless said otherwise."""
    window = {"window_start": START - WEEK, "window_end": START} | more
    sentence = f"{subject} is {state}."
    return Finding(code, code.split(".")[0], subject, state, sentence, **window)  # type: ignore[arg-type]


def charter(extra: str = POLICY):  # type: ignore[no-untyped-def]
    return parse_charter(CHARTER + extra)


def live(loop: Loop, extra: str = POLICY) -> Loop:
    """The loop under a charter on the wall clock."""
    text = CHARTER.replace('clock = "data"', 'clock = "wall"') + extra
    return loop.workspace.set_charter(text, actor="ana", reason="live", as_of=START)


def cycle(loop: Loop, as_of: datetime, *findings: Finding) -> list[Alert]:
    """What `run_cycle` does with findings."""
    record_findings(loop, as_of, findings, actor="ana")
    return raise_alerts(loop, as_of, findings, actor="ana")


def trouble(loop: Loop, as_of: datetime) -> None:
    """A look that finds nothing, and then one that finds a source that failed and answers that failed."""
    window = {"window_start": as_of - WEEK, "window_end": as_of}
    more = [
        finding("signals.volume", "predictions", source="north-hub", impact=0.02, evidence="select 1", **window),
        finding(subject="distance_km", source="north-hub", impact=0.01, **window),
        finding("service.errors", "error_share", **window),
    ]
    cycle(loop, as_of)
    cycle(loop, as_of, *more)


def kinds(loop: Loop) -> list[str]:
    """The alert entries so far, without their prefix."""
    return [entry.kind.removeprefix("alert.") for entry in loop.entries("alert.")]
