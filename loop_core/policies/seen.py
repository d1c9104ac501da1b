"""What the monitor would have said of the data at an instant, with the model that served then as its reference."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from functools import partial
from typing import Any

from loop_core.charter import TriggerPlan
from loop_core.feedback import feedback_trend
from loop_core.frames import to_json
from loop_core.monitor import Finding, service_health
from loop_core.monitor.baseline import BEFORE
from loop_core.monitor.check_drift import Weighing, check_drift
from loop_core.monitor.check_service import check_service
from loop_core.monitor.drift import DriftScore
from loop_core.monitor.drift.registry import measure_named
from loop_core.monitor.drift.scores import scored, with_every_window
from loop_core.monitor.profiles import profile_series
from loop_core.policies.cache import Cache
from loop_core.triggers import broken_features
from loop_core.triggers.situation import low_limits, low_shares, with_parts
from loop_core.vocabulary import State
from loop_core.windows import Windows
from loop_core.workspace import Loop

Span = tuple[datetime, datetime]


class Seen:
    """Findings about the data, read once, and only those that a policy asks for."""

    def __init__(self, loop: Loop, snapshot: int, cache: Cache) -> None:
        self._loop, self._snapshot, self._cache = loop, snapshot, cache

    def findings(self, plans: Sequence[TriggerPlan], as_of: datetime, reference: Span) -> list[Finding]:
        """What the triggers of some plans would have been told, but for the performance of the model.

        Args:
            plans: the policy.
            as_of: UTC instant; nothing later is seen.
            reference: the training span of the model that served.
        """
        kinds, found = {plan.kind for plan in with_parts(plans)}, list[Finding]()
        if "drift" in kinds:
            found += self._kept("drift", as_of, reference, partial(self._drift, as_of, reference))
        if "feedback" in kinds or "urgent" in kinds:
            found += self._kept("service", as_of, None, partial(self._service, as_of))
        if "urgent" in kinds:
            found += self._kept("broken", as_of, reference, partial(self._broken, as_of, reference))
        limits = low_limits(tuple(with_parts(plans)))
        if limits:
            found += low_shares(feedback_trend(self._loop, as_of), limits, as_of)
        return found

    def _kept(
        self, kind: str, as_of: datetime, reference: Span | None, make: Callable[[], Iterable[Finding]]
    ) -> list[Finding]:
        inputs = {
            "as_of": as_of.isoformat(),
            "reference": [end.isoformat() for end in reference or ()],
            "snapshot": self._snapshot,
            "charter": self._loop.charter.hash,
        }
        return [_finding(one) for one in self._cache.get(f"findings-{kind}", inputs, lambda: to_json(list(make())))]

    def _drift(self, as_of: datetime, reference: Span) -> list[Finding]:
        return list(check_drift(self._scores(as_of, reference, "psi"), Weighing(as_of, None)))

    def _broken(self, as_of: datetime, reference: Span) -> list[Finding]:
        return broken_features(self._loop, as_of, partial(self._scores, as_of, reference))

    def _service(self, as_of: datetime) -> Iterator[Finding]:
        plan = self._loop.charter.monitor
        health = service_health(self._loop, as_of, weeks=BEFORE + 1)
        return check_service(plan, health, *Windows.at(as_of, plan.window_days).span(0))

    def _scores(self, as_of: datetime, reference: Span, method: str) -> list[DriftScore]:
        """Of the newest window."""
        plan = self._loop.charter.monitor
        windows = Windows.at(as_of, plan.window_days)
        series = profile_series(self._loop, as_of, weeks=plan.alarm_of, reference=reference)
        found = scored(plan, with_every_window(series, windows), measure_named(method)) if series else []
        return [score for score in found if score.window_start == windows.span(0)[0]]


def _finding(stored: Mapping[str, Any]) -> Finding:
    values = {field.name: stored[field.name] for field in fields(Finding)}
    for name in ("window_start", "window_end"):
        values[name] = datetime.fromisoformat(values[name]) if values[name] else None
    return Finding(**{**values, "state": State(values["state"])})
