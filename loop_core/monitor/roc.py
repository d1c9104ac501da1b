"""Area under the ROC curve of one model, with DeLong's structural components, by mid-ranks in O(n log n)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from loop_core.monitor.units import Units

Floats = npt.NDArray[np.float64]

#: Rows that each class must have: the variance of a class is estimated from its own rows.
MIN_CLASS_ROWS = 10


@dataclass(frozen=True)
class Placements:
    """DeLong's structural components of one model's AUC."""

    auc: float
    """Probability that a positive scores above a negative, ties counted half."""
    positives: Floats
    """(m,) share of negatives that each positive beats."""
    negatives: Floats
    """(k,) share of positives that beat each negative."""


def placements(labels: Floats, scores: Floats) -> Placements:
    """AUC and its components by mid-ranks.

    Args:
        labels: (n,) 0 or 1, both present.
        scores: (n,) any real scores.

    Source: Sun & Xu 2014, "Fast implementation of DeLong's algorithm".

    >>> placements(np.array([0.0, 0.0, 1.0, 1.0]), np.array([0.1, 0.4, 0.35, 0.8])).auc
    0.75
    """
    positive = labels > 0.5
    m, k = int(positive.sum()), int((~positive).sum())
    above, below = _midranks(scores, positive)
    return Placements(float(below[positive].mean() / k), below[positive] / k, above[~positive] / m)


def _midranks(scores: Floats, positive: npt.NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """(n,) positives above each row, and negatives below it; rows of the same score count half. One sort for both."""
    order = np.argsort(scores)
    ordered, known = scores[order], np.concatenate([[0], np.cumsum(positive[order])])
    first = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    last = np.concatenate([first[1:], [len(scores)]])
    ties = np.repeat(np.arange(len(first)), last - first)
    above, below = np.empty(len(scores)), np.empty(len(scores))
    above[order] = (known[-1] - (known[first] + known[last]) / 2)[ties]
    below[order] = ((first + last - known[first] - known[last]) / 2)[ties]
    return above, below


def auc_with_error(labels: Floats, scores: Floats, units: Units | None = None) -> tuple[float, float, float] | None:
    """(AUC, standard error, degrees of freedom) of one model by DeLong, clustered where entities repeat.

    None: under 10 rows of a class, or all rows of one belong to one entity.
    """
    n, positive = len(labels), labels > 0.5
    m, units = int(positive.sum()), units or Units(None, n)
    if min(m, n - m) < MIN_CLASS_ROWS:
        return None
    if units.codes is not None and min(_entities(units.codes[rows]) for rows in (positive, ~positive)) < 2:
        return None
    found = placements(labels, scores)
    se, freedom = auc_se(labels, found.positives - found.auc, found.negatives - found.auc, units)
    return found.auc, se, freedom


def auc_se(labels: Floats, up: Floats, down: Floats, units: Units) -> tuple[float, float]:
    """Standard error of an AUC, or of a difference of two, and its degrees of freedom.

    Args:
        labels: (n,) 0 or 1.
        up: (m,) centred components of the positives.
        down: (k,) centred components of the negatives.
        units: which rows belong together; both classes have two at least.

    Source: DeLong, DeLong & Clarke-Pearson 1988; Obuchowski 1997 for clustered rows.
    """
    if units.codes is None:
        return independent_se(up, down)
    m, k, positive = len(up), len(down), labels > 0.5
    influence = np.empty(m + k)
    influence[positive], influence[~positive] = up / m, down / k
    groups = [_entities(units.codes[rows]) for rows in (positive, ~positive)]
    low = min(groups)
    se = float(np.sqrt((units.sums(influence) ** 2).sum() * low / (low - 1)))
    # Welch's degrees of freedom over the entities of the two classes: the smaller class decides how sure one is.
    a, b = (
        float((units.sums(np.where(rows, influence, 0.0)) ** 2).sum() * count / (count - 1))
        for rows, count in zip((positive, ~positive), groups, strict=True)
    )
    spread = a * a / (groups[0] - 1) + b * b / (groups[1] - 1)
    return se, (a + b) ** 2 / spread if spread > 0 else float(sum(groups) - 2)


def _entities(codes: npt.NDArray[np.int64]) -> int:
    """How many there are. Codes are dense, so counting beats sorting."""
    return int(np.count_nonzero(np.bincount(codes)))


def independent_se(up: Floats, down: Floats) -> tuple[float, float]:
    """Standard error of the sum of two independent class means, and its degrees of freedom (Welch–Satterthwaite).

    Args:
        up: (m,) centred components of the positives.
        down: (k,) centred components of the negatives.
    """
    m, k = len(up), len(down)
    above, below = float(up.var(ddof=1)) / m, float(down.var(ddof=1)) / k
    total = above + below
    freedom = total**2 / (above**2 / (m - 1) + below**2 / (k - 1)) if total > 0 else float(m + k - 2)
    return float(np.sqrt(total)), freedom
