"""Everything the monitor has to say at one instant."""

from __future__ import annotations

import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

from loop_core.labels import read_at
from loop_core.monitor.about_champion import about_champion
from loop_core.monitor.baseline import BEFORE
from loop_core.monitor.check_batches import check_batches
from loop_core.monitor.check_drift import Weighing, check_cohort_drift, check_drift
from loop_core.monitor.check_model import check_model
from loop_core.monitor.check_performance import check_cohorts, check_performance
from loop_core.monitor.check_service import check_service
from loop_core.monitor.check_signals import check_freshness, check_quarantine, check_volume
from loop_core.monitor.drift import cohort_drift, drift_scores
from loop_core.monitor.effect import estimated_effect
from loop_core.monitor.finding import STAGES, Finding
from loop_core.monitor.importance import importance
from loop_core.monitor.performance import PerformancePoint, cohort_performance, hold_windows, performance
from loop_core.monitor.service import service_health
from loop_core.vocabulary import State
from loop_core.windows import Windows
from loop_core.workspace import Loop


def monitor(loop: Loop, as_of: datetime) -> list[Finding]:
    """Look at the newest window of everything, in pipeline order. Reads only; `record_findings` keeps the result.

    Args:
        loop: the loop.
        as_of: UTC instant; nothing later is seen.
    """
    with loop.lake.one_snapshot(), ThreadPoolExecutor(1) as beside:
        hold_windows(loop, as_of, weeks=BEFORE + _ripening(loop))
        # Both wait for the catalogue much of the time, and so wait together.
        drift = beside.submit(_drift_in, loop, as_of, loop.lake.snapshot())
        others, found = list(_others(loop, as_of)), drift.result()
        every = [*others, *(_drift(loop, as_of) if found is None else found)]
    every = list(about_champion(every, loop.tenures(as_of)))
    return sorted(every, key=lambda finding: STAGES.index(finding.stage))


def _others(loop: Loop, as_of: datetime) -> Iterator[Finding]:
    """All but drift."""
    windows = Windows.at(as_of, loop.charter.monitor.window_days)
    start, end = windows.span(0)
    health = service_health(loop, as_of, weeks=BEFORE + 1)
    yield check_volume(health, windows, as_of)
    yield check_freshness(loop.charter, health, windows, as_of)
    yield from check_batches(loop, windows, as_of)
    yield from check_quarantine(loop.charter, read_at(loop, as_of), windows)
    yield from check_performance(performance(loop, as_of, weeks=BEFORE + _ripening(loop)))
    yield from check_cohorts(*_by_cohort(loop, as_of), loop.charter.monitor)
    yield from check_service(loop.charter.monitor, health, start, end)
    yield from check_model(loop, as_of)


def _drift_in(loop: Loop, as_of: datetime, snapshot: int) -> list[Finding] | None:
    """What `_drift` finds in a snapshot; None: the lake has moved on."""
    with loop.lake.one_snapshot(beside=True):
        return list(_drift(loop, as_of)) if loop.lake.snapshot() == snapshot else None


def _drift(loop: Loop, as_of: datetime) -> Iterator[Finding]:
    # First, because what it reads of everybody is read once.
    by_cohort = cohort_drift(loop, as_of)
    scores = drift_scores(loop, as_of, weeks=1)
    loud = any(score.state in (State.WATCH, State.ALARM) for score in scores)
    effect = estimated_effect(loop, as_of) if loud else None
    weighing = Weighing(as_of, loop.champion(as_of), importance(loop, as_of), effect)
    yield from check_drift(scores, weighing)
    yield from check_cohort_drift(by_cohort, scores, weighing)


def _by_cohort(loop: Loop, as_of: datetime) -> tuple[list[PerformancePoint], dict[str, float]]:
    """The first metric in every declared cohort over the windows that are compared, and the margins there."""
    metric = loop.charter.metrics[0]
    points = cohort_performance(loop, as_of, metric=metric.name, weeks=BEFORE + _ripening(loop))
    return points, {metric.name: metric.margin_for("any")}


def _ripening(loop: Loop) -> int:
    """Windows that may be waiting for labels, and one that waits no more."""
    return 1 + math.ceil(loop.charter.labels.horizon_days / loop.charter.monitor.window_days)
