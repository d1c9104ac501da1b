"""Do people and machines fare as usual in the newest window? Ratings, latency, errors."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from datetime import datetime

from loop_core.charter import MonitorPlan
from loop_core.figures import numbers_apart
from loop_core.monitor.baseline import MIN_BEFORE, judged, usual
from loop_core.monitor.finding import Finding, window_text
from loop_core.monitor.service import HealthPoint
from loop_core.vocabulary import State

#: Without a budget in the charter, a p95 latency this many times the usual is worth a look.
LATENCY_RATIO = 1.5
#: Fewer ratings than this say nothing about their mean.
MIN_RATINGS = 20
#: Fewer answers than this have less than five in their slowest hundredth.
MIN_SLOWEST = 500
_CALL = "loop_core.monitor:service_health(loop, as_of, weeks=1)"


def check_service(
    plan: MonitorPlan, points: Sequence[HealthPoint], start: datetime, end: datetime
) -> Iterator[Finding]:
    """Findings on the window that begins at `start`, each against the windows before it or the charter's limit.

    Args:
        plan: limits.
        points: newest windows of service, everybody, oldest first.
        start, end: the newest window.
    """
    newest = next((p for p in points if p.window_start == start), None)
    before = [p for p in points if p.window_start < start]
    if newest is None:
        return
    yield _rating(plan, newest, before)
    if newest.latency_p95_ms is not None:
        yield _latency(plan, newest, before)
    yield _errors(plan, newest)
    yield from _slowest(newest, before)
    yield from _confidence(newest, before)


def _slowest(newest: HealthPoint, before: Sequence[HealthPoint]) -> Iterator[Finding]:
    """The slowest hundredth, which a p95 does not show: on `watch` where it is far beyond what it was. Told by orders of
    magnitude, because a p99 rests on few answers."""
    p99, earlier = newest.latency_p99_ms, [p.latency_p99_ms for p in before if p.latency_p99_ms and p.n >= MIN_SLOWEST]
    if not p99 or newest.n < MIN_SLOWEST or len(earlier) < MIN_BEFORE:
        return
    logs = [math.log(value) for value in earlier if value]
    state = judged(math.log(p99), 0.0, logs, math.log(LATENCY_RATIO))
    normal = math.exp(usual(logs) or 0.0)
    window = f"{window_text(newest.window_start, newest.window_end)}, n = {newest.n:,}"
    yield Finding(
        code="service.latency",
        stage="service",
        subject="latency_p99_ms",
        state=State.WATCH if state is State.ALARM else State.OK,
        sentence="99 of 100 answers came within {} ms; {} ms is usual ({}).".format(
            *numbers_apart(p99, normal, digits=0), window
        ),
        value=p99,
        threshold=normal * LATENCY_RATIO,
        n=newest.n,
        window_start=newest.window_start,
        window_end=newest.window_end,
        evidence=_CALL,
    )


def _confidence(newest: HealthPoint, before: Sequence[HealthPoint]) -> Iterator[Finding]:
    """Whether the model has become less sure of its answers, or surer: on `watch`, because neither need be wrong."""
    now, se = newest.uncertainty, newest.uncertainty_se
    earlier = [p.uncertainty for p in before if p.uncertainty is not None]
    if now is None or se is None or len(earlier) < MIN_BEFORE:
        return
    either = {judged(sign * now, se, [sign * value for value in earlier], 0.0) for sign in (1, -1)}
    window = f"{window_text(newest.window_start, newest.window_end)}, n = {newest.n:,}"
    yield Finding(
        code="service.confidence",
        stage="service",
        subject="score",
        state=State.WATCH if State.ALARM in either else State.OK,
        sentence="The scores leave {} bits of uncertainty on average; {} are usual ({}).".format(
            *numbers_apart(now, usual(earlier) or 0.0), window
        ),
        value=now,
        ci_low=now - 1.96 * se,
        ci_high=now + 1.96 * se,
        n=newest.n,
        window_start=newest.window_start,
        window_end=newest.window_end,
        evidence=_CALL,
    )


def _rating(plan: MonitorPlan, newest: HealthPoint, before: Sequence[HealthPoint]) -> Finding:
    start, end = newest.window_start, newest.window_end
    window = f"{window_text(start, end)}, n = {newest.n_ratings:,}"
    earlier = [p.rating_mean for p in before if p.rating_mean is not None and p.n_ratings >= MIN_RATINGS]
    mean, low, high = newest.rating_mean, newest.rating_ci_low, newest.rating_ci_high
    if mean is None or low is None or high is None or newest.n_ratings < MIN_RATINGS:
        sentence = f"Too few ratings to tell ({window})."
        return Finding(
            "feedback.rating",
            "feedback",
            "rating",
            State.TOO_FEW,
            sentence,
            mean,
            low,
            high,
            None,
            newest.n_ratings,
            start,
            end,
        )
    state = judged(-mean, (high - low) / 4, [-m for m in earlier], plan.min_rating_drop)
    normal = usual(earlier)
    now, before_now, below, above = numbers_apart(mean, mean if normal is None else normal, low, high, digits=2)
    compared = f"; {before_now} is usual" if normal is not None else ""
    sentence = f"Mean rating {now} [{below}, {above}]{compared} ({window})."
    limit = normal - plan.min_rating_drop if normal is not None else None
    return Finding(
        "feedback.rating", "feedback", "rating", state, sentence, mean, low, high, limit, newest.n_ratings, start, end
    )


def _latency(plan: MonitorPlan, newest: HealthPoint, before: Sequence[HealthPoint]) -> Finding:
    p95, start, end = newest.latency_p95_ms or 0.0, newest.window_start, newest.window_end
    normal = usual([p.latency_p95_ms for p in before if p.latency_p95_ms is not None])
    watch = LATENCY_RATIO * normal if normal is not None else None
    limit = plan.latency_p95_ms or watch
    state = State.OK
    if watch is not None and p95 > watch:
        state = State.WATCH
    if plan.latency_p95_ms is not None and p95 > plan.latency_p95_ms:
        state = State.ALARM
    told, before_now, allowed = numbers_apart(p95, normal or p95, plan.latency_p95_ms or p95, digits=0)
    compared = f"; {before_now} ms is usual" if normal is not None else ""
    budget = f", the budget is {allowed} ms" if plan.latency_p95_ms else ""
    slowest = f", 99 within {newest.latency_p99_ms:.0f} ms" if newest.latency_p99_ms is not None else ""
    sentence = (
        f"95 of 100 answers came within {told} ms{slowest}{compared}{budget}"
        f" ({window_text(start, end)}, n = {newest.n:,})."
    )
    return Finding(
        "service.latency",
        "service",
        "latency_p95_ms",
        state,
        sentence,
        p95,
        threshold=limit,
        n=newest.n,
        window_start=start,
        window_end=end,
    )


def _errors(plan: MonitorPlan, newest: HealthPoint) -> Finding:
    start, end, share = newest.window_start, newest.window_end, newest.error_share or 0.0
    low, high = newest.error_ci_low or 0.0, newest.error_ci_high or 1.0
    state = State.ALARM if low > plan.max_error_share else State.WATCH if share > plan.max_error_share else State.OK
    failed, allowed = numbers_apart(100 * share, 100 * plan.max_error_share, digits=2)
    sentence = f"{failed}% of answers failed; {allowed}% are allowed ({window_text(start, end)}, n = {newest.n:,})."
    return Finding(
        "service.errors",
        "service",
        "error_share",
        state,
        sentence,
        share,
        low,
        high,
        plan.max_error_share,
        newest.n,
        start,
        end,
    )
