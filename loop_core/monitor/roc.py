"""Area under the ROC curve of one model, with DeLong's structural components, by mid-ranks in O(n log n)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

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


def auc_with_error(labels: Floats, scores: Floats) -> tuple[float, float, float] | None:
    """(AUC, standard error, degrees of freedom) of one model by DeLong; None with under 10 rows of a class."""
    m = int((labels > 0.5).sum())
    if min(m, len(labels) - m) < MIN_CLASS_ROWS:
        return None
    found = placements(labels, scores)
    se, freedom = independent_se(found.positives - found.auc, found.negatives - found.auc)
    return found.auc, se, freedom


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
