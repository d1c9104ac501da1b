"""Paired difference of two mean AUCs over several classes, each class against the rest."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from loop_core.compare.estimate import CONFIDENCE, MIN_UNITS, Estimate, NotEstimable
from loop_core.monitor.roc import MIN_CLASS_ROWS, placements
from loop_core.monitor.units import Units, clustered_se

Floats = npt.NDArray[np.float64]


def macro_auc_difference(labels: Floats, champion: Floats, challenger: Floats, units: Units) -> Estimate | NotEstimable:
    """Challenger's mean AUC − champion's, with a 95 % t interval over units.

    What a row does to the AUC of each class is added up over classes before it is squared, so that classes may go
    together.

    Args:
        labels: (n,) number of the true class.
        champion, challenger: (n, n_classes) probabilities of the same rows.
        units: which rows belong together.

    Source: Hand & Till 2001 for the mean over classes; Sen 1960 for the variance by structural components.
    """
    from scipy.special import stdtrit

    n = len(labels)
    counts = np.bincount(labels.astype(np.int64), minlength=champion.shape[1]) if n else np.zeros(1)
    rarest = int(np.minimum(counts, n - counts).min())
    if rarest < MIN_CLASS_ROWS:
        return NotEstimable(n, f"{rarest} rows of the rarest class; an interval needs {MIN_CLASS_ROWS}")
    if units.count < MIN_UNITS:
        return NotEstimable(n, f"{units.count} {units.name}; an interval needs {MIN_UNITS}")
    first, of_first = macro_auc(labels, champion)
    second, of_second = macro_auc(labels, challenger)
    se = clustered_se((of_second - of_first) * n, units)
    half = float(stdtrit(units.count - 1, (1 + CONFIDENCE) / 2)) * se
    difference, method = second - first, f"t interval, {units.count:,} {units.name}, {champion.shape[1]} classes"
    return Estimate(n, first, second, difference, se, difference - half, difference + half, method)


def macro_auc(labels: Floats, scores: Floats) -> tuple[float, Floats]:
    """(mean over classes of the AUC of this class against the rest, (n,) what each row adds to its error).

    Args:
        labels: (n,) number of the class; every class is there.
        scores: (n, n_classes) probabilities.

    >>> scores = np.array([[0.8, 0.2], [0.6, 0.4], [0.3, 0.7]])
    >>> macro_auc(np.array([0.0, 0.0, 1.0]), scores)[0]
    1.0
    """
    n_classes, total, influence = scores.shape[1], 0.0, np.zeros(len(labels))
    for k in range(n_classes):
        mine = labels == k
        found = placements(mine.astype(np.float64), scores[:, k])
        total += found.auc
        influence[mine] += (found.positives - found.auc) / mine.sum()
        influence[~mine] += (found.negatives - found.auc) / (~mine).sum()
    return total / n_classes, influence / n_classes
