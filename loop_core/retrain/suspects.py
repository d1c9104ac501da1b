"""Labels that are probably wrong, by what models that never saw them say of their rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Suspects:
    """Rows in order of suspicion."""

    places: Ints
    """(k,) places among the rows given, the most suspicious first."""
    suggested: Ints
    """(k,) the class that is probably the true one."""
    doubt: Floats
    """(k,) probability of the suggested class less that of the given one, 0..1."""


def suspect_labels(labels: Floats, scores: Floats) -> Suspects:
    """Rows whose label a model confidently contradicts: confident learning.

    A class's threshold is the mean probability it gets on rows that carry it; a row is suspect where another class than its
    own reaches that class's threshold and beats its own.

    Args:
        labels: (n,) 0 or 1, or the number of the class.
        scores: (n,) probabilities of label 1, or (n, n_classes), by models that were not trained on these rows.

    Source: Northcutt, Jiang & Chuang 2021, "Confident Learning: Estimating Uncertainty in Dataset Labels". Written out here
    because cleanlab, which implements it, is under a licence (AGPL) that this project cannot ship.

    >>> labels = np.array([0.0] * 9 + [1.0] * 10)
    >>> scores = np.array([0.1] * 9 + [0.9] * 9 + [0.05])
    >>> suspect_labels(labels, scores).places.tolist()
    [18]
    """
    chances = scores if scores.ndim == 2 else np.column_stack([1 - scores, scores])
    given = labels.astype(np.int64)
    counts = np.bincount(given, minlength=chances.shape[1])
    sums = np.bincount(given, weights=chances[np.arange(len(given)), given], minlength=chances.shape[1])
    # A class that nobody carries has no threshold to reach.
    thresholds = np.where(counts > 0, sums / np.maximum(counts, 1), np.inf)
    confident = np.where(chances >= thresholds, chances, -1.0)
    suggested, own = confident.argmax(axis=1), chances[np.arange(len(given)), given]
    gap = confident.max(axis=1) - own
    places = np.flatnonzero((suggested != given) & (gap > 0))
    order = places[np.argsort(-gap[places], kind="stable")]
    return Suspects(order, suggested[order], gap[order])
