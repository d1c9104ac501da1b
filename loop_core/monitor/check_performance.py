"""Is the model still as good, in the newest window whose labels are in?"""

from __future__ import annotations

from collections.abc import Iterator

from loop_core.monitor.finding import Finding, window_text
from loop_core.monitor.performance import PerformancePoint
from loop_core.vocabulary import State

_SAID = {State.OK: "as usual", State.WATCH: "worse than usual", State.ALARM: "clearly worse than usual"}


def check_performance(points: list[PerformancePoint]) -> Iterator[Finding]:
    """A finding per metric: its newest mature window, and how many newer ones wait for labels.

    Args:
        points: of the newest windows, everybody, oldest first.
    """
    for metric in dict.fromkeys(point.metric for point in points):
        series = [point for point in points if point.metric == metric]
        ready = [place for place, point in enumerate(series) if point.state is not State.PENDING]
        yield _finding(series[ready[-1]], len(series) - 1 - ready[-1]) if ready else _waiting(series[-1])


def _finding(point: PerformancePoint, newer: int) -> Finding:
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
    else:
        sentence = f"{point.metric} {point.value:.4f} [{point.ci_low:.4f}, {point.ci_high:.4f}], {_SAID[point.state]} ({window}).{waits}"
    return _made(point, point.state, sentence)


def _waiting(point: PerformancePoint) -> Finding:
    window = window_text(point.window_start, point.window_end)
    sentence = f"{point.metric} waits for labels: {point.mature_share:.0%} of the predictions of {window} are mature, {point.n:,} labelled."
    return _made(point, State.PENDING, sentence)


def _made(point: PerformancePoint, state: State, sentence: str) -> Finding:
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
    )
