"""How the service ran and how people felt about it, on the same windows: volume, latency, errors, ratings."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from loop_core.charter import Charter
from loop_core.feedback import wilson
from loop_core.labels import read_at
from loop_core.lake import quoted
from loop_core.monitor.cut import Cut
from loop_core.monitor.ratings import RatingPoint, mean_ratings
from loop_core.monitor.settled import by_window, stamps_at
from loop_core.vocabulary import Task
from loop_core.windows import Windows
from loop_core.workspace import Loop


@dataclass(frozen=True)
class HealthPoint:
    """One window of service."""

    window_start: datetime
    window_end: datetime
    """Exclusive."""
    cohort: str | None
    """Cohort name; None: everybody."""
    cohort_value: str | None
    n: int
    """Predictions made."""
    latency_p50_ms: float | None
    """Median latency; None: none was recorded."""
    latency_p95_ms: float | None
    error_share: float | None
    """Share of predictions with an error, 0..1."""
    rating_mean: float | None
    """Mean of the ratings given in the window; None: none was."""
    rating_ci_low: float | None
    """95 % interval of the mean rating; None: under two ratings."""
    rating_ci_high: float | None
    n_ratings: int
    newest_at: datetime
    """When the newest of the predictions was made."""
    latency_p99_ms: float | None = None
    error_ci_low: float | None = None
    """95 % Wilson interval of the error share."""
    error_ci_high: float | None = None
    score_p10: float | None = None
    """The confidence of the model: a tenth of its scores are lower; None: nothing was scored."""
    score_p50: float | None = None
    score_p90: float | None = None
    uncertainty: float | None = None
    """Mean entropy of the scores in bits (of several classes, in as many as make 1), 0 (sure of every case) to 1 (of none);
    None: no chances, or nothing scored."""
    uncertainty_se: float | None = None
    """Its standard error; None: under two scores."""


_HEALTH = """
    select {window} as w, {cohort} as c, count(*), quantile_cont(latency_ms, [0.5, 0.95, 0.99]),
      count(error), max(predicted_at), quantile_cont(score, [0.1, 0.5, 0.9]) filter (isfinite(score)),
      avg({entropy}), stddev_samp({entropy}) / sqrt(count({entropy}))
    from predictions where predicted_at >= $first and predicted_at < $last group by all order by w, c nulls first"""


def _entropy(charter: Charter) -> str:
    """SQL: of a score that is a chance in bits; of several classes in as many as make complete doubt 1; of numbers null."""
    if charter.loop.task is Task.REGRESSION:
        return "null::double"
    if charter.loop.task is Task.MULTICLASS:
        parts = (f"case when {c} > 0 then -{c} * ln({c}) else 0 end" for c in map(quoted, charter.score_columns))
        return f"(case when score is not null then ({' + '.join(parts)}) / ln({len(charter.score_columns)}) end)"
    return """(case when score in (0, 1) then 0 when score > 0 and score < 1
      then -(score * log2(score) + (1 - score) * log2(1 - score)) end)"""


def service_health(
    loop: Loop, as_of: datetime, cohort: str | tuple[str, ...] | None = None, *, weeks: int | None = None
) -> list[HealthPoint]:
    """Service by window of prediction time, ratings by the time they were given; oldest window first.

    Args:
        loop: the loop.
        as_of: UTC instant; nothing later is seen.
        cohort: split by this declared cohort, or by a pair of them (`("a", "b")` or `"a × b"`).
        weeks: only the newest windows; None: all.

    Raises:
        UnknownNameError: no such cohort.
    """
    group = Cut.of(loop.charter, cohort)
    windows = Windows.at(as_of, loop.charter.monitor.window_days)
    rated = {(p.window_start, p.cohort_value): p for p in mean_ratings(loop, as_of, cohort=cohort, weeks=weeks)}
    with loop.lake.one_snapshot():
        oldest, stamps = stamps_at(loop, as_of, windows)
        numbers = range(oldest if weeks is None else max(oldest, 1 - weeks), 1)
        read = partial(_read, loop, as_of, windows, group)
        found = by_window(loop, stamps, ("service", group), numbers, read)
    spans = {w: windows.span(w) for w in found}
    return [
        _point(spans[w], group.name, row, rated.get((spans[w][0], row[0]))) for w, rows in found.items() for row in rows
    ]


def _read(
    loop: Loop, as_of: datetime, windows: Windows, group: Cut, first: int, last: int
) -> dict[int, list[tuple[Any, ...]]]:
    """Window → (cohort value, numbers …) of each of its groups."""
    sql = _HEALTH.format(window=windows.sql("predicted_at"), cohort=group.sql, entropy=_entropy(loop.charter))
    span = {"first": windows.span(first)[0], "last": windows.span(last)[1]}
    found: dict[int, list[tuple[Any, ...]]] = {}
    reading = read_at(loop, as_of, since=span["first"])
    for w, *row in reading.rows(sql, **span, **windows.parameters()):
        found.setdefault(w, []).append(tuple(row))
    return found


def _point(
    span: tuple[datetime, datetime], cohort: str | None, row: tuple[Any, ...], rated: RatingPoint | None
) -> HealthPoint:
    value, n, latency, errors, newest_at, scores, entropy, entropy_se = row
    p50, p95, p99 = latency or (None, None, None)
    low, middle, high = scores or (None, None, None)
    error_low, error_high = wilson(errors, n) or (None, None)
    return HealthPoint(
        window_start=span[0],
        window_end=span[1],
        cohort=cohort,
        cohort_value=value,
        n=n,
        latency_p50_ms=p50,
        latency_p95_ms=p95,
        error_share=errors / n,
        rating_mean=rated.mean if rated else None,
        rating_ci_low=rated.ci_low if rated else None,
        rating_ci_high=rated.ci_high if rated else None,
        n_ratings=rated.n if rated else 0,
        newest_at=newest_at,
        latency_p99_ms=p99,
        error_ci_low=error_low,
        error_ci_high=error_high,
        score_p10=low,
        score_p50=middle,
        score_p90=high,
        uncertainty=entropy,
        uncertainty_se=entropy_se,
    )
