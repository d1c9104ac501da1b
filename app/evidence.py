"""SQL that gives the numbers of a page, with every value written out: what "copy as SQL" hands over."""

from __future__ import annotations

from typing import Any

from app.session import View
from loop_core.feedback.trend import LOW, FeedbackPoint
from loop_core.lake import with_literals
from loop_core.monitor import DriftScore, PerformancePoint, row_sql
from loop_core.monitor.boundary import NEAR, ScoreBands
from loop_core.monitor.cut import OTHER, Cut


def metric_sql(view: View, point: PerformancePoint) -> str | None:
    """One realised metric of one window; None: it is no sum over rows."""
    within = _within(view, point)
    sql = within and row_sql.metric_sql(view.loop.charter, point.metric, within[0])
    return written(sql, **within[1]) if sql and within else None


def boundary_sql(view: View, bands: ScoreBands) -> str | None:
    """How many scores are near the threshold, and how many of those were decided wrongly, in the mature windows of a span."""
    within = _within(view, bands)
    if within is None:
        return None
    mature = " or ".join(f"predicted_at >= $start{k} and predicted_at < $end{k}" for k in range(len(bands.mature)))
    ends = {
        name: end
        for k, span in enumerate(bands.mature)
        for name, end in zip((f"start{k}", f"end{k}"), span, strict=True)
    }
    return written(
        "select avg((abs(score - $threshold) <= $near)::int) as near_share,\n"
        "  avg(((score >= $threshold) <> (label = 1))::int) filter (abs(score - $threshold) <= $near) as near_error_share,\n"
        "  count(*) as n, count(label) as n_labelled\n"
        f"from rows where score between 0 and 1 and {within[0]}\n  and ({mature})",
        threshold=bands.threshold, near=NEAR, **within[1], **ends,
    )  # fmt: skip


def rating_sql(point: FeedbackPoint) -> str:
    """Ratings of everybody given in one window."""
    return written(
        "select avg(rating) as rating_mean, count(rating) as n_rated,\n"
        "  count(*) filter (rating <= $low) / count(rating) as low_share, count(*) as n\n"
        "from feedback where given_at >= $first and given_at < $last",
        first=point.window_start,
        last=point.window_end,
        low=LOW,
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


def written(sql: str, **values: Any) -> str:
    """SQL over a loop's views with every value written out, as `loop sql` takes it."""
    return with_literals(sql, values)


def _within(view: View, point: Any) -> tuple[str, dict[str, Any]] | None:
    """Condition on window and cohort, and its values; None: the group is what is left of others, which only a count of all
    of them can tell."""
    condition = "predicted_at >= $first and predicted_at < $last"
    bound = {"first": point.window_start, "last": point.window_end}
    if point.cohort is None:
        return condition, bound
    if point.cohort_value == OTHER:
        return None
    return f"{condition}\n  and {Cut.of(view.loop.charter, point.cohort).sql} = $group", bound | {
        "group": point.cohort_value
    }
