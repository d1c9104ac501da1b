"""SQL that gives the numbers of a page, with every value written out: what "copy as SQL" hands over."""

from __future__ import annotations

from typing import Any

from app.session import View
from loop_core.labels import known_at
from loop_core.lake import quoted
from loop_core.monitor import DriftScore, PerformancePoint

_CLIPPED = "greatest(1e-15, least(1 - 1e-15, score))"
#: Metric → SQL over `label` and `score`.
METRICS = {
    "log_loss": f"avg(-(label * ln({_CLIPPED}) + (1 - label) * ln(1 - {_CLIPPED})))",
    "brier": "avg((score - label) ** 2)",
    "auc": "(sum(place) filter (label = 1) - count(*) filter (label = 1) * (count(*) filter (label = 1) + 1) / 2)"
    " / (count(*) filter (label = 1) * count(*) filter (label = 0))",
}


def metric_sql(view: View, point: PerformancePoint) -> str:
    """One realised metric of one window."""
    return _written(
        view,
        f"select {METRICS[point.metric]} as {point.metric}, count(*) as n\n"
        "from (select label, score, rank() over (order by score) + (count(*) over (partition by score) - 1) / 2 as place\n"
        "  from rows where label is not null and score is not null and predicted_at >= $first and predicted_at < $last)",
        first=point.window_start,
        last=point.window_end,
    )


def values_sql(view: View, score: DriftScore) -> str:
    """The values of one feature in one window."""
    return _written(
        view,
        f"select {quoted(score.feature)} as value, count(*) as n\nfrom predictions\n"
        "where predicted_at >= $first and predicted_at < $last group by value order by n desc",
        first=score.window_start,
        last=score.window_end,
    )


def rating_sql(view: View, point: Any) -> str:
    """Ratings given in one window."""
    return _written(
        view,
        "select avg(rating) as mean_rating, count(rating) as n_rated, count(*) as n\nfrom feedback\n"
        "where given_at >= $first and given_at < $last",
        first=point.window_start,
        last=point.window_end,
    )


def _written(view: View, sql: str, **values: Any) -> str:
    return known_at(view.loop, view.as_of).sql_text(sql, **values)
