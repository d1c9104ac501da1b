"""What the triggers of a policy look at: read once, and only what one of them asks for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from loop_core.charter import Charter, TriggerPlan
from loop_core.feedback import FeedbackPoint, feedback_trend
from loop_core.figures import numbers_apart, shares_apart
from loop_core.labels import read_at
from loop_core.monitor import Finding, estimated_performance
from loop_core.monitor.about_champion import about_champion
from loop_core.monitor.measure import rises
from loop_core.triggers.base import Situation
from loop_core.triggers.broken import broken_features
from loop_core.triggers.feedback import LOW_SHARE
from loop_core.triggers.performance import ESTIMATED
from loop_core.triggers.spend import month_spend
from loop_core.vocabulary import State
from loop_core.workspace import Loop

#: Fewer ratings than this say nothing about their share.
MIN_RATINGS = 20


def situation(loop: Loop, as_of: datetime, findings: Sequence[Finding], plans: Sequence[TriggerPlan]) -> Situation:
    """What the triggers of some plans may look at.

    Args:
        loop: the loop.
        as_of: UTC instant; nothing later is seen.
        findings: the monitor's, as of the same instant.
        plans: what they ask for besides is read too.
    """
    every, last = tuple(with_parts(plans)), last_retrain(loop, as_of)
    return Situation(
        as_of=as_of,
        findings=[*findings, *about_champion(_asked_for(loop, as_of, every), loop.tenures(as_of))],
        last_retrain=last,
        # Before the first retrain they tell whether there is anything to learn from.
        new_labels=new_labels(loop, as_of, last) if last is None or counts_labels(every) else None,
        spend=month_spend(loop, as_of),
        guardrails=guardrails(loop.charter),
        champion=loop.champion(as_of),
    )


def with_parts(plans: Sequence[TriggerPlan]) -> Iterator[TriggerPlan]:
    """Plans, and the parts they are made of."""
    for plan in plans:
        yield plan
        yield from with_parts(plan.of)


def counts_labels(plans: Sequence[TriggerPlan]) -> bool:
    """Whether new labels matter to one of them (`with_parts`)."""
    return any(plan.kind == "label_volume" or plan.min_new_labels for plan in plans)


def guardrails(charter: Charter) -> frozenset[str]:
    """Metrics that the charter calls guardrails."""
    return frozenset(metric.name for metric in charter.watched if metric.block == "guardrail")


def last_retrain(loop: Loop, as_of: datetime) -> datetime | None:
    """When the loop last got a model, by a training of its own or as its first one; None: never. Somebody else's model that
    is registered later, to be compared, is no retrain."""
    registered = loop.entries("model.registered", as_of)
    trained = [entry for entry in registered if entry.payload["kind"] != "external"]
    made = [*loop.entries("retrain.finished", as_of), *trained, *registered[:1]]
    return max((entry.as_of for entry in made), default=None)


def new_labels(loop: Loop, as_of: datetime, last: datetime | None) -> int:
    """Labelled rows whose label horizon passed after `last` (None: ever) and by `as_of`: only those may be learned from."""
    horizon = timedelta(days=loop.charter.labels.horizon_days)
    since, until = (None if last is None else last - horizon), as_of - horizon
    after = "" if since is None else " and predicted_at > $after"
    # What nobody stated is a no there, once it is due.
    stated = "" if loop.charter.labels.never == "negative" else "semi join outcomes using (prediction_id)"
    # Whatever was said of a prediction, a label was: which statement holds need not be found out to count them.
    counted = read_at(loop, as_of, since=since).rows(
        f"select count(*) from predictions {stated} where predicted_at <= $newest{after}",
        newest=until,
        **({} if since is None else {"after": since}),
    )
    return int(counted[0][0])


def _asked_for(loop: Loop, as_of: datetime, plans: Sequence[TriggerPlan]) -> Iterator[Finding]:
    kinds = {plan.kind for plan in plans}
    if "performance" in kinds and any(plan.basis != "realised" for plan in plans):
        yield from _estimates(loop, as_of)
    limits = low_limits(plans)
    if limits:
        yield from low_shares(feedback_trend(loop, as_of), limits, as_of)
    if "urgent" in kinds:
        yield from broken_features(loop, as_of)


def low_limits(plans: Sequence[TriggerPlan]) -> list[float]:
    """The shares of low ratings that some plans (`with_parts`) allow, each once, smallest first."""
    return sorted({plan.max_low_share for plan in plans if plan.max_low_share is not None})


def _estimates(loop: Loop, as_of: datetime) -> Iterator[Finding]:
    """The newest window, as far as its scores can tell it."""
    for point in estimated_performance(loop, as_of, weeks=1):
        if point.value is not None and point.threshold_low is not None and point.threshold_high is not None:
            now, low, high = numbers_apart(point.value, point.threshold_low, point.threshold_high, digits=4)
            usual = (point.threshold_low + point.threshold_high) / 2
            yield Finding(
                code=ESTIMATED + point.metric,
                stage="performance",
                subject=f"estimated {point.metric}",
                state=point.state,
                sentence=f"Estimated {point.metric} {now}, {low} to {high} is usual (n = {point.n:,}).",
                value=point.value,
                n=point.n,
                window_start=point.window_start,
                window_end=point.window_end,
                model_version=point.model_version,
                impact=rises(point.metric, point.value) - rises(point.metric, usual),
                evidence="loop_core.monitor:estimated_performance(loop, as_of, weeks=1)",
            )


def low_shares(points: Sequence[FeedbackPoint], limits: Sequence[float], as_of: datetime) -> Iterator[Finding]:
    """The share of low ratings in the newest window against each limit, if it rests on ratings enough.

    Args:
        points: of the newest windows, everybody, oldest first.
        limits: from such a share on it is an alarm.
        as_of: UTC instant.
    """
    newest = points[-1] if points and points[-1].window_end >= as_of else None
    if newest is None or newest.low_share is None or newest.n_rated < MIN_RATINGS:
        return
    for limit in limits:
        low, allowed = shares_apart(newest.low_share, limit)
        yield Finding(
            code=LOW_SHARE,
            stage="feedback",
            subject="low ratings",
            state=State.ALARM if newest.low_share >= limit else State.OK,
            sentence=f"{low} of {newest.n_rated:,} ratings are two or less; {allowed} are allowed.",
            value=newest.low_share,
            ci_low=newest.low_ci_low,
            ci_high=newest.low_ci_high,
            threshold=limit,
            n=newest.n_rated,
            window_start=newest.window_start,
            window_end=newest.window_end,
            evidence="loop_core.feedback:feedback_trend(loop, as_of)",
        )
