"""How far labels that are still to come could move a metric: its least and its most over every label they could be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from loop_core.monitor.groups import scores_of
from loop_core.monitor.losses import OF_NUMBERS, ROW_LOSSES, of_mean

if TYPE_CHECKING:
    from loop_core.monitor.performance import PerformancePoint
    from loop_core.monitor.settled import Asked

Floats = npt.NDArray[np.float64]


def with_bounds(asked: Asked, points: Sequence[PerformancePoint]) -> list[PerformancePoint]:
    """The points, those of windows by themselves that have a value although labels are out with their bounds."""
    import polars as pl

    windows = asked.windows
    young = {point.window_start for point in points if _is_moved(point, windows.days)}
    if not young:
        return list(points)
    numbers = [windows.number(start) for start in young]
    rows = asked.rows(asked.cuts, min(numbers), max(numbers))
    # What is overdue is not waited for.
    frame = rows.frame.filter(pl.col("w").is_in(numbers) & (pl.col("label").is_not_null() | ~pl.col("mature")))
    groups = {(w, c): part for (w, c), part in frame.partition_by("w", "c0", as_dict=True).items()}
    found = []
    for point in points:
        part = groups.get((windows.number(point.window_start), point.cohort_value))
        if part is not None and _is_moved(point, windows.days):
            labels = part["label"].cast(float).fill_null(float("nan")).to_numpy()
            low, high = value_bounds(point.metric, labels, scores_of(part, rows.columns))
            found.append(replace(point, bound_low=low, bound_high=high))
        else:
            found.append(point)
    return found


def _is_moved(point: PerformancePoint, days: int) -> bool:
    return point.value is not None and point.waiting > 0 and point.length_days == days


def value_bounds(metric: str, labels: Floats, scores: Floats) -> tuple[float | None, float | None]:
    """(least, most) that a metric can be; None: a number has no least or most, or it is not known of this metric.

    Args:
        metric: one of `METRICS`.
        labels: (n,) NaN where there is none.
        scores: as in `told`.

    >>> value_bounds("accuracy", np.array([1.0, 0.0, np.nan, np.nan]), np.array([0.9, 0.2, 0.7, 0.1]))
    (0.5, 1.0)
    """
    if metric in OF_NUMBERS or (metric == "auc" and scores.ndim == 2):
        return None, None
    if metric == "auc":
        return _of_ranks(labels, scores)
    open_ = np.isnan(labels)
    classes = scores.shape[1] if scores.ndim == 2 else 2
    each = [ROW_LOSSES[metric](np.full(int(open_.sum()), float(label)), scores[open_]) for label in range(classes)]
    known = float(ROW_LOSSES[metric](labels[~open_], scores[~open_]).sum())
    ends = [(known + float(pick(each, axis=0).sum())) / len(labels) for pick in (np.min, np.max)]
    low, high = sorted(float(of_mean(metric, np.asarray(end))[0]) for end in ends)
    return low, high


def _of_ranks(labels: Floats, scores: Floats) -> tuple[float | None, float | None]:
    """With m positives AUC is (Σ of their ranks − m(m + 1)/2) / (m (n − m)): every m, with the lowest or highest ranks."""
    from scipy.stats import rankdata

    ranks, n = rankdata(scores), len(labels)
    open_, known = np.sort(ranks[np.isnan(labels)]), ranks[labels == 1]
    m = len(known) + np.arange(len(open_) + 1, dtype=np.float64)
    two = (m > 0) & (m < n)
    if not two.any():
        return None, None
    ends = []
    for rising in (open_, open_[::-1]):
        total = known.sum() + np.concatenate([[0.0], np.cumsum(rising)])
        ends.append((total - m * (m + 1) / 2)[two] / (m * (n - m))[two])
    return float(ends[0].min()), float(ends[1].max())
