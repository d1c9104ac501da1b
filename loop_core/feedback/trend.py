"""What users said over time: volume, mean rating, share of low ratings, by cohort and model version."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from loop_core.feedback.intervals import mean_interval, wilson
from loop_core.labels import read_at
from loop_core.lake import Reading
from loop_core.windows import Windows
from loop_core.workspace import Loop

#: Ratings up to this are low, on a scale of one to five.
LOW = 2


class Split(Protocol):
    """What divides predictions: a declared cohort, or a pair of them."""

    @property
    def name(self) -> str | None:
        """As results say it."""
        ...

    @property
    def sql(self) -> str:
        """The value as SQL text over predictions."""
        ...


@dataclass(frozen=True)
class FeedbackPoint:
    """The feedback given in one window."""

    window_start: datetime
    window_end: datetime
    """Exclusive; windows go by the time feedback was given."""
    cohort: str | None
    """Cohort name; None: everybody."""
    cohort_value: str | None
    """`(unlinked)`: feedback about no known prediction."""
    model_version: str | None
    """Who made the predictions it is about (joined by ` + ` where several did); None: unknown."""
    n: int
    """Items."""
    n_rated: int
    """Items with a rating."""
    rating_mean: float | None
    """Mean rating; None: no ratings."""
    rating_ci_low: float | None
    """Lower end of its 95 % t interval; None: under two ratings."""
    rating_ci_high: float | None
    low_share: float | None
    """Share of ratings of 2 or less, 0..1; None: no ratings."""
    low_ci_low: float | None
    """Lower end of its 95 % Wilson interval."""
    low_ci_high: float | None
    rating_sd: float | None
    """Standard deviation of the ratings; None: under two."""


_TREND = """
    select {window} as w, {cohort} as c, {version} as v, count(*), count(f.rating), avg(f.rating), stddev_samp(f.rating),
      count(*) filter (f.rating <= $low)
    from feedback as f {join}
    where f.given_at >= $first group by all order by w, c, v"""


def feedback_trend(
    loop: Loop, as_of: datetime, cohort: str | None = None, *, weeks: int | None = None, by_version: bool = False
) -> list[FeedbackPoint]:
    """Feedback by window, oldest first.

    Args:
        loop: the loop.
        as_of: UTC instant; feedback given later is not seen.
        cohort: split by this declared cohort of the prediction that the feedback is about.
        weeks: only the newest windows; None: all.
        by_version: a point for each model version rather than one for all.

    Raises:
        UnknownNameError: no such cohort.
    """
    group = loop.charter.cohort(cohort) if cohort else None
    version = (
        "p.model_version" if by_version else "string_agg(distinct p.model_version, ' + ' order by p.model_version)"
    )
    return list(
        points(read_at(loop, as_of), Windows.at(as_of, loop.charter.monitor.window_days), group, weeks, version)
    )


def points(
    reading: Reading, windows: Windows, cohort: Split | None, weeks: int | None, version: str | None = None
) -> Iterator[FeedbackPoint]:
    """The windows of `feedback_trend` over an open reading; without `version` (an SQL expression), models are not told."""
    value = f"case when p.prediction_id is null then '(unlinked)' else {cohort.sql} end" if cohort else "null"
    join = "left join predictions as p using (prediction_id)" if cohort or version else ""
    sql = _TREND.format(window=windows.sql("f.given_at"), cohort=value, version=version or "null", join=join)
    for w, c, v, n, rated, mean, sd, low in reading.rows(
        sql, first=windows.start(weeks), low=LOW, **windows.parameters()
    ):
        (start, end), name = windows.span(w), cohort.name if cohort else None
        rating_low, rating_high = mean_interval(rated, mean, sd) or (None, None)
        low_low, low_high = wilson(low, rated) or (None, None)
        share = low / rated if rated else None
        yield FeedbackPoint(
            start, end, name, c, v, n, rated, mean, rating_low, rating_high, share, low_low, low_high, sd
        )
