"""Paired difference of two areas under the ROC curve, by mid-ranks in O(n log n)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from loop_core.compare.estimate import CONFIDENCE, MIN_UNITS, Estimate, NotEstimable
from loop_core.monitor.roc import MIN_CLASS_ROWS, auc_se, placements
from loop_core.monitor.units import Units

Floats = npt.NDArray[np.float64]


def auc_difference(
    labels: Floats, champion: Floats, challenger: Floats, units: Units | None = None
) -> Estimate | NotEstimable:
    """Challenger's AUC − champion's with DeLong's paired 95 % interval; clustered where entities repeat.

    With few rows of a class the normal quantile is replaced by Student's, with Welch's degrees of freedom over
    the two classes.

    Args:
        labels: (n,) 0 or 1.
        champion, challenger: (n,) scores of the same rows.
        units: which rows belong together.

    Source: DeLong, DeLong & Clarke-Pearson 1988; Obuchowski 1997 for clustered rows.
    """
    n, m = len(labels), int((labels > 0.5).sum())
    if min(m, n - m) < MIN_CLASS_ROWS:
        return _too_few(labels, champion, challenger, m)
    if units is not None and (clustered := _too_clustered(labels, units)):
        return NotEstimable(n, clustered, placements(labels, champion).auc, placements(labels, challenger).auc)
    first, second = placements(labels, champion), placements(labels, challenger)
    up, down = second.positives - first.positives, second.negatives - first.negatives
    difference = second.auc - first.auc
    units = units or Units(None, n)
    se, freedom = auc_se(labels, up - difference, down - difference, units)
    half, method = _student(freedom) * se, _method(units, m, n - m)
    return Estimate(n, first.auc, second.auc, difference, se, difference - half, difference + half, method)


def _method(units: Units, m: int, k: int) -> str:
    if units.codes is not None:
        return f"DeLong, clustered by {units.count:,} entities"
    return f"DeLong, {m:,} positives and {k:,} negatives"


def _too_clustered(labels: Floats, units: Units) -> str:
    """Why clustered rows give no interval; empty where they do."""
    if units.count < MIN_UNITS:
        return f"{units.count} entities; an interval needs {MIN_UNITS}"
    if units.codes is not None:
        for rows in (labels > 0.5, labels <= 0.5):
            if len(np.unique(units.codes[rows])) < 2:
                return "all rows of one class belong to one entity"
    return ""


def _student(freedom: float) -> float:
    from scipy.special import stdtrit

    return float(stdtrit(freedom, (1 + CONFIDENCE) / 2))


def _too_few(labels: Floats, champion: Floats, challenger: Floats, m: int) -> NotEstimable:
    n = len(labels)
    if m in (0, n):
        return NotEstimable(n, f"all {n:,} labels are {int(m == n)}; a ranking needs both classes")
    values = placements(labels, champion).auc, placements(labels, challenger).auc
    return NotEstimable(n, f"{min(m, n - m)} rows of the rarer class; an interval needs {MIN_CLASS_ROWS}", *values)
