"""Is the model still as good, in the newest window whose labels are in? For everybody, and for each declared cohort."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from loop_core.charter import MonitorPlan
from loop_core.figures import numbers_apart
from loop_core.monitor.baseline import BEFORE, MIN_BEFORE
from loop_core.monitor.drift.alarm_rule import PERFORMANCE_SPENT, AlarmRule
from loop_core.monitor.finding import Finding, window_text
from loop_core.monitor.measure import rises
from loop_core.monitor.performance import PerformancePoint
from loop_core.vocabulary import State

_SAID = {State.OK: "as usual", State.WATCH: "worse than usual", State.ALARM: "clearly worse than usual"}
_UNREAD = (State.PENDING, State.TOO_FEW)


def check_performance(points: Sequence[PerformancePoint]) -> Iterator[Finding]:
    """A finding per metric: its newest mature window, and how many newer ones wait for labels.

    Args:
        points: of the newest windows, everybody, oldest first.
    """
    for metric in dict.fromkeys(point.metric for point in points):
        series = [point for point in points if point.metric == metric]
        ready = [place for place, point in enumerate(series) if point.state not in _UNREAD]
        if ready:
            newer = sum(point.state is State.PENDING for point in series[ready[-1] + 1 :])
            yield _finding(series[ready[-1]], newer, series[: ready[-1]])
        else:
            yield _waiting(series[-1])


def check_cohorts(
    points: Sequence[PerformancePoint], margins: Mapping[str, float], plan: MonitorPlan
) -> Iterator[Finding]:
    """A finding for each cohort value that got worse than it was, beyond what so many values show by chance.

    Each value's newest mature window is compared with the mean of its own windows before; Benjamini–Hochberg runs over
    all values, cohorts and metrics handed in together, at the level that spends a tenth of the charter's budget of false
    alarms: 0.022 by default, one false finding in ten months at the most, however many values there are. Simulated with
    50 to 1,000 rows a value the chances below are never too small, and for few rows far too large, because a mean of
    few losses is skewed (tests/bench/bench_alarms.py).

    A rise within the margin is `watch`, beyond it `alarm`. Values that are as usual give no finding: they are the rule,
    and there are many.

    Args:
        points: of the newest windows, by declared cohorts, oldest first.
        margins: metric → rise that a cohort may show.
        plan: the charter's.
    """
    tested = [one for series in _series(points) if (one := _rise(series)) is not None]
    level = AlarmRule.of_plan(plan, PERFORMANCE_SPENT).false_discovery_rate
    for (point, rise, before), worse in zip(tested, _upheld(_chances(tested), level), strict=True):
        if worse:
            state = State.ALARM if rise > margins.get(point.metric, 0.0) else State.WATCH
            yield _cohort_finding(point, state, rise, before)


def _series(points: Sequence[PerformancePoint]) -> list[list[PerformancePoint]]:
    found: dict[tuple[str, str | None, str | None], list[PerformancePoint]] = {}
    for point in points:
        if point.state not in _UNREAD and point.value is not None and not point.small:
            found.setdefault((point.metric, point.cohort, point.cohort_value), []).append(point)
    newest = max((point.window_start for series in found.values() for point in series), default=None)
    return [series for series in found.values() if series[-1].window_start == newest]


def _rise(series: Sequence[PerformancePoint]) -> tuple[PerformancePoint, float, float] | None:
    """(newest, how much worse than before, what was usual); None: too little came before."""
    before = [point.value for point in series[:-1] if point.value is not None][-BEFORE:]
    value = series[-1].value
    if len(before) < MIN_BEFORE or value is None:
        return None
    usual = sum(before) / len(before)
    return series[-1], rises(series[-1].metric, value) - rises(series[-1].metric, usual), usual


def _chances(tested: Sequence[tuple[PerformancePoint, float, float]]) -> list[float]:
    """(k,) one-sided chance of such a rise where nothing changed."""
    from scipy.special import ndtr

    found = []
    for point, rise, _ in tested:
        half = ((point.ci_high or 0.0) - (point.ci_low or 0.0)) / 2
        # The windows before scatter too: a mean of k of them adds 1/k of the variance, k being four at the least.
        se = half / 1.959964 * (1 + 1 / MIN_BEFORE) ** 0.5
        found.append(float(ndtr(-rise / se)) if se > 0 else float(rise <= 0))
    return found


def _upheld(chances: Sequence[float], level: float) -> list[bool]:
    """Benjamini & Hochberg 1995."""
    order = sorted(range(len(chances)), key=lambda i: chances[i])
    last = max((rank for rank, i in enumerate(order, 1) if chances[i] <= level * rank / len(order)), default=0)
    kept = set(order[:last])
    return [i in kept for i in range(len(chances))]


def _cohort_finding(point: PerformancePoint, state: State, rise: float, before: float) -> Finding:
    window = f"{window_text(point.window_start, point.window_end)}, n = {point.n:,}, model {point.model_version}"
    now, usual, low, high = numbers_apart(
        point.value or 0.0, before, point.ci_low or 0.0, point.ci_high or 0.0, digits=4
    )
    sentence = (
        f"{point.metric} {now} [{low}, {high}] where {point.cohort} is"
        f" {point.cohort_value}, {_SAID[state]}: {usual} before ({window})."
    )
    return _made(point, state, sentence, rise)


def _finding(point: PerformancePoint, newer: int, before: Sequence[PerformancePoint]) -> Finding:
    window = f"{window_text(point.window_start, point.window_end)}, n = {point.n:,}, model {point.model_version}"
    waits = (
        f" {newer} newer windows wait for labels."
        if newer > 1
        else " One newer window waits for labels."
        if newer
        else ""
    )
    if point.value is None:
        sentence = f"{point.metric} cannot be told: one class has too few rows ({window}).{waits}"
        return _made(point, point.state, sentence, None)
    value, low, high = numbers_apart(point.value, point.ci_low or 0.0, point.ci_high or 0.0, digits=4)
    sentence = f"{point.metric} {value} [{low}, {high}], {_SAID[point.state]} ({window}).{waits}"
    quiet = [p.value for p in before if p.state is State.OK and p.value is not None][-BEFORE:]
    usual = sum(quiet) / len(quiet) if quiet else None
    rise = None if usual is None else rises(point.metric, point.value) - rises(point.metric, usual)
    return _made(point, point.state, sentence, rise)


def _waiting(point: PerformancePoint) -> Finding:
    window = window_text(point.window_start, point.window_end)
    if point.state is State.TOO_FEW:
        sentence = f"{point.metric} rests on too few rows: {point.n:,} are labelled of {window}, and no more will come."
        return _made(point, State.TOO_FEW, sentence, None)
    sentence = f"{point.metric} waits for labels: {point.mature_share:.0%} of the predictions of {window} are mature, {point.n:,} labelled."
    return _made(point, State.PENDING, sentence, None)


def _made(point: PerformancePoint, state: State, sentence: str, rise: float | None) -> Finding:
    cohort = f", cohort={point.cohort!r}" if point.cohort else ""
    return Finding(
        code=f"performance.{point.metric}",
        stage="performance",
        subject=point.metric,
        state=state,
        sentence=sentence,
        value=point.value,
        ci_low=point.ci_low,
        ci_high=point.ci_high,
        n=point.n,
        window_start=point.window_start,
        window_end=point.window_end,
        model_version=point.model_version,
        cohort=point.cohort,
        cohort_value=point.cohort_value,
        impact=rise,
        evidence=f"loop_core.monitor:performance(loop, as_of, metrics=({point.metric!r},){cohort})",
    )
