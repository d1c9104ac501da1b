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
    "mae": "avg(abs(label - score))",
    "mse": "avg((label - score) ** 2)",
    "rmse": "sqrt(avg((label - score) ** 2))",
    "auc": "(sum(place) filter (label = 1) - count(*) filter (label = 1) * (count(*) filter (label = 1) + 1) / 2)"
    " / (count(*) filter (label = 1) * count(*) filter (label = 0))",
}


def metric_sql(view: View, point: PerformancePoint) -> str | None:
    """One realised metric of one window; None: it has no short SQL."""
    if point.metric not in METRICS or view.loop.charter.loop.classes:
        return None
    within, values = _within(view, point)
    return _written(
        view,
        f"select {METRICS[point.metric]} as {point.metric}, count(*) as n\n"
        "from (select label, score, rank() over (order by score) + (count(*) over (partition by score) - 1) / 2 as place\n"
        f"  from rows where label is not null and score is not null and {within})",
        **values,
    )


def values_sql(view: View, score: DriftScore) -> str:
    """The values of one feature in one window."""
    within, values = _within(view, score)
    return _written(
        view,
        f"select {quoted(score.feature)} as value, count(*) as n\nfrom predictions\n"
        f"where {within} group by value order by n desc",
        **values,
    )


def calibration_sql(view: View, point: Any) -> str:
    """Fifteen bins of equal mass of one window: mean score beside the observed share."""
    within, values = _within(view, point)
    return _written(
        view,
        "select bin, avg(score) as score, avg(label) as share, count(*) as n\n"
        "from (select score, label, ntile(15) over (order by score) as bin\n"
        f"  from rows where label is not null and score is not null and {within}) group by bin order by bin",
        **values,
    )


def boundary_sql(view: View, point: Any) -> str:
    """Twenty bands of scores of one window: how many, and how many of the labelled were decided wrongly."""
    within, values = _within(view, point)
    return _written(
        view,
        "select floor(least(score, 0.999999) * 20) / 20 as low, count(*) as n, count(label) as n_labelled,\n"
        "  avg((label <> (score >= $threshold)::int)::int) as error_share\n"
        f"from rows where score is not null and {within} group by low order by low",
        threshold=point.threshold,
        **values,
    )


def ages_sql(view: View) -> str:
    """How many predictions of each age in days have a label by now."""
    return _written(
        view,
        "select date_diff('day', predicted_at, $as_of) as days, count(*) as n, avg((label is not null)::int) as labels_known\n"
        "from rows group by days order by days",
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


def window_of(point: Any) -> dict[str, Any]:
    """The window and cohort of a result, as the functions of the monitor take them."""
    return {
        "window_start": point.window_start,
        "window_end": point.window_end,
        "cohort": point.cohort,
        "cohort_value": point.cohort_value,
    }


def cell_of(score: DriftScore) -> dict[str, Any]:
    """The same with the feature."""
    return {"feature": score.feature, **window_of(score)}


def cell_call(function: str, score: Any, *, feature: bool = True) -> str:
    """Notebook code that calls `module:function` for a cell of the heatmap, or for its window."""
    named = [f"feature={score.feature!r}"] if feature else []
    named += [f"{end}=instant({getattr(score, end).isoformat()!r})" for end in ("window_start", "window_end")]
    if score.cohort:
        named += [f"cohort={score.cohort!r}", f"cohort_value={score.cohort_value!r}"]
    return f"{function}(loop, as_of, {', '.join(named)})"


def _within(view: View, point: Any) -> tuple[str, dict[str, Any]]:
    """Condition on window and cohort, and its values."""
    condition, values = "predicted_at >= $first and predicted_at < $last", window_of(point)
    bound = {"first": values["window_start"], "last": values["window_end"]}
    parts = [name.strip() for name in (point.cohort or "").split("×") if name.strip()]
    if not parts:
        return condition, bound
    held = [value.strip() for value in str(point.cohort_value).split("×")] if parts[1:] else [point.cohort_value]
    for place, (name, value) in enumerate(zip(parts, held, strict=True)):
        condition += f" and {view.loop.charter.cohort(name).sql} = $group{place}"
        bound[f"group{place}"] = value
    return condition, bound


def _written(view: View, sql: str, **values: Any) -> str:
    return known_at(view.loop, view.as_of).sql_text(sql, **values)
