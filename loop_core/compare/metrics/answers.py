"""What models answer at the operating point: yes from the charter's threshold on, or the most probable class; and what each
answer costs a metric."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from loop_core.compare.metrics.pairs import Terms
from loop_core.monitor.losses import ROW_LOSSES

Floats = npt.NDArray[np.float64]


def answers(scores: Floats, terms: Terms) -> Floats:
    """(n,) 1 for yes and 0 for no; of several classes the number of the class.

    >>> answers(np.array([0.2, 0.3]), Terms(threshold=0.25)).tolist()
    [0.0, 1.0]
    """
    said = scores.argmax(axis=1) if scores.ndim == 2 else scores >= terms.threshold
    return np.asarray(said, dtype=np.float64)


def ratio(means: Floats) -> tuple[Floats, Floats]:
    """The first mean by the second, with its slopes; NaN where the second is 0."""
    value = means[0] / means[1]
    return value, np.stack([1 / means[1], -value / means[1]])


def row_losses(metric: str, labels: Floats, scores: Floats, terms: Terms) -> Floats:
    """(n,) loss of each row by one of `ROW_LOSSES`; of accuracy the answers that are wrong at the operating point.

    >>> row_losses("accuracy", np.array([1.0]), np.array([0.3]), Terms(threshold=0.25)).tolist()
    [0.0]
    """
    if metric == "accuracy":
        return np.asarray(answers(scores, terms) != labels, dtype=np.float64)
    return ROW_LOSSES[metric](labels, scores)
