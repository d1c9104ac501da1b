"""How far labels that are still to come could move a metric: its least and its most over every label they could be,
and where a label may never come, over every row that could drop out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from loop_core.monitor.groups import scores_of
from loop_core.monitor.losses import OF_NUMBERS, ROW_LOSSES, of_mean

if TYPE_CHECKING:
    import polars as pl

    from loop_core.monitor.performance import PerformancePoint
    from loop_core.monitor.settled import Asked

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def with_bounds(asked: Asked, points: Sequence[PerformancePoint]) -> list[PerformancePoint]:
    """The points, those of windows by themselves that have a value although labels are out with their bounds."""
    import polars as pl

    windows = asked.windows
    young = {point.window_start for point in points if _is_moved(point, windows.days)}
    if not young:
        return list(points)
    numbers = [windows.number(start) for start in young]
    rows = asked.rows(asked.cuts, min(numbers), max(numbers))
    frame = rows.frame.filter(pl.col("w").is_in(numbers)).with_columns(_still_open())
    groups = {(w, c): part for (w, c), part in frame.partition_by("w", "c0", as_dict=True).items()}
    # A label that never comes counts as no, or the row drops out of the window's value.
    all_come, found = asked.loop.charter.labels.never == "negative", []
    for point in points:
        part = groups.get((windows.number(point.window_start), point.cohort_value))
        if part is not None and _is_moved(point, windows.days):
            labels = part["label"].cast(float).fill_null(float("nan")).to_numpy()
            low, high = value_bounds(point.metric, labels, scores_of(part, rows.columns), all_come=all_come)
            overdue = int(np.isnan(labels).sum()) - point.waiting
            found.append(replace(point, overdue=max(overdue, 0), bound_low=low, bound_high=high))
        else:
            found.append(point)
    return found


def _still_open() -> pl.Expr:
    """The label; null where it is out, overdue or not: one that counts as no may come yet, too."""
    import polars as pl

    # What counts as no became known at the very microsecond at which it was due.
    assumed = (pl.col("label") == 0) & (pl.col("told").dt.epoch("us") == pl.col("due"))
    return pl.when(assumed).then(None).otherwise(pl.col("label")).alias("label")


def _is_moved(point: PerformancePoint, days: int) -> bool:
    return point.value is not None and point.waiting > 0 and point.length_days == days


def value_bounds(
    metric: str, labels: Floats, scores: Floats, *, all_come: bool = False
) -> tuple[float | None, float | None]:
    """(least, most) that a metric can be; None: a number has no least or most, or it is not known of this metric.

    Args:
        metric: one of `METRICS`.
        labels: (n,) NaN where there is none.
        scores: as in `told`.
        all_come: every row gets a label in the end; otherwise any of them may stay without, and does not count then.

    >>> value_bounds("accuracy", np.array([1.0, 0.0, np.nan, np.nan]), np.array([0.9, 0.2, 0.7, 0.1]))
    (0.5, 1.0)
    """
    if metric in OF_NUMBERS or (metric == "auc" and scores.ndim == 2):
        return None, None
    if metric == "auc":
        most, least = _most_auc(labels, scores, all_come), _most_auc(labels, -scores, all_come)
        return (None, None) if most is None or least is None else (1 - least, most)
    open_ = np.isnan(labels)
    classes = scores.shape[1] if scores.ndim == 2 else 2
    each = [ROW_LOSSES[metric](np.full(int(open_.sum()), float(label)), scores[open_]) for label in range(classes)]
    known = ROW_LOSSES[metric](labels[~open_], scores[~open_])
    least, most = (
        _least_mean(known, np.min(each, axis=0), all_come),
        -_least_mean(-known, -np.max(each, axis=0), all_come),
    )
    low, high = sorted(float(of_mean(metric, np.asarray(end))[0]) for end in (least, most))
    return low, high


def _least_mean(known: Floats, more: Floats, all_come: bool) -> float:
    """The lowest mean of what is known with all, or with any, of the others: with the lowest of them, as long as they help."""
    if all_come or not len(more):
        return float(np.concatenate([known, more]).mean())
    sums = known.sum() + np.concatenate([[0.0], np.cumsum(np.sort(more))])
    counts = len(known) + np.arange(len(more) + 1)
    return float((sums[counts > 0] / counts[counts > 0]).min())


def _most_auc(labels: Floats, scores: Floats, all_come: bool) -> float | None:
    """The highest AUC, or None where none has rows of both classes.

    Of the rows without label the a highest are positive then, the b lowest negative, and those between stay without.
    Given a, pairs in the right order are concave in b, so that their share rises up to its most and falls from there:
    the place is found by bisection, for all a at once.
    """
    open_, known = np.sort(scores[np.isnan(labels)]), ~np.isnan(labels)
    positive, negative = (np.sort(scores[known & (labels == label)]) for label in (1, 0))
    k, a = len(open_), np.arange(len(open_) + 1)
    as_positive = np.concatenate([[0.0], np.cumsum(_below(negative, open_)[::-1])])
    as_negative = np.concatenate([[0.0], np.cumsum(len(positive) - _below(positive, open_))])
    between = _below(negative, positive).sum()
    first, past = (np.searchsorted(open_, open_, side) for side in ("left", "right"))

    def right(b: Ints) -> Floats:
        """(k + 1,) pairs in the right order, equal scores half; of a + b ≤ k."""
        last = np.maximum(b - 1, 0)
        equal = np.maximum(past[last] - (k - a), 0) * (b - first[last]) if k else 0
        return np.asarray(between + as_positive + as_negative[b] + a * b - np.where(b > 0, equal, 0) / 2)

    def pairs(b: Ints) -> Ints:
        return np.asarray((len(positive) + a) * (len(negative) + b))

    low, high = np.zeros(k + 1, dtype=np.int64), k - a
    if all_come:
        low = high
    while (low < high).any():
        middle = (low + high) // 2
        more = np.minimum(middle + 1, k - a)
        rising = (right(more) * pairs(middle) > right(middle) * pairs(more)) | ((pairs(middle) == 0) & (more > middle))
        low, high = np.where(rising, more, low), np.where(rising, high, middle)
    two = pairs(low) > 0
    return float((right(low)[two] / pairs(low)[two]).max()) if two.any() else None


def _below(reference: Floats, values: Floats) -> Floats:
    """(n,) how many of the sorted reference lie below each value, equal ones half."""
    left, right = (np.searchsorted(reference, values, side) for side in ("left", "right"))
    return np.asarray((left + right) / 2)
