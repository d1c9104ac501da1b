"""Scores turned into chances by isotonic regression on rows whose label is known, if that makes them truer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

#: Held-out parts in which calibration must prove itself before it is used.
FOLDS = 10
#: Bins of equal mass of the error that decides it.
BINS = 10


@dataclass(frozen=True)
class Calibrator:
    """A rising broken line from score to chance; constant beyond its ends."""

    scores: Floats
    """(k,) rising knots; empty: scores are chances as they are."""
    chances: Floats
    """(k,) chance of label 1 at each."""

    def __call__(self, scores: Floats) -> Floats:
        """(n,) chances of label 1."""
        if len(self.scores) == 0:
            return scores
        found: Floats = np.interp(scores, self.scores, self.chances)
        return found


#: Takes scores at their word.
AS_THEY_ARE = Calibrator(np.empty(0), np.empty(0))


def fitted(scores: Floats, labels: Floats) -> Calibrator:
    """Isotonic regression, if on held-out rows it brings scores nearer to the truth; else scores as they are.

    One in ten rows of each class is held out in turn; both versions of the held-out scores are measured by the
    expected calibration error over 10 bins of equal mass. Scores of one class, or that separate the classes, stay.

    Args:
        scores: (n,) finite, in [0, 1].
        labels: (n,) 0 or 1.

    Source: Zadrozny & Elkan 2002, "Transforming classifier scores into accurate multiclass probability estimates".
    """
    positives = int(labels.sum())
    if min(positives, len(labels) - positives) < FOLDS:
        return AS_THEY_ARE
    knots, places = np.unique(scores, return_inverse=True)
    folds = _folds(labels)
    counts = np.stack([np.bincount(places[folds == f], minlength=len(knots)) for f in range(FOLDS)])
    hits = np.stack([np.bincount(places[folds == f], labels[folds == f], minlength=len(knots)) for f in range(FOLDS)])
    held_out = np.empty(len(scores))
    for f in range(FOLDS):
        mine = folds == f
        held_out[mine] = _isotonic(knots, counts.sum(axis=0) - counts[f], hits.sum(axis=0) - hits[f])(scores[mine])
    if _error(scores, labels) <= _error(held_out, labels):
        return AS_THEY_ARE
    return _isotonic(knots, counts.sum(axis=0), hits.sum(axis=0))


def _folds(labels: Floats) -> npt.NDArray[np.int64]:
    """(n,) 0 … 9, in turn within each class."""
    folds = np.empty(len(labels), dtype=np.int64)
    for rows in (labels > 0.5, labels <= 0.5):
        folds[rows] = np.arange(rows.sum()) % FOLDS
    return folds


def _isotonic(knots: Floats, counts: npt.NDArray[Any], hits: npt.NDArray[Any]) -> Calibrator:
    """The rising step function nearest to the labels in squares, joined by straight lines.

    >>> _isotonic(np.array([0.1, 0.2, 0.3, 0.4]), np.ones(4), np.array([0, 1, 0, 1]))(np.array([0.0, 0.25, 0.4])).tolist()
    [0.0, 0.5, 1.0]
    """
    from scipy.optimize import isotonic_regression

    seen = counts > 0
    if not seen.any():
        return AS_THEY_ARE
    weights = counts[seen].astype(np.float64)
    chances = isotonic_regression(hits[seen] / weights, weights=weights).x
    # A level's ends say all of it.
    ends = np.ones(len(chances), dtype=bool)
    ends[1:-1] = (chances[1:-1] != chances[:-2]) | (chances[1:-1] != chances[2:])
    return Calibrator(knots[seen][ends], np.asarray(chances)[ends])


def _error(chances: Floats, labels: Floats) -> float:
    order = np.argsort(chances, kind="stable")
    parts = np.array_split(order, BINS)
    return float(sum(abs(chances[part].sum() - labels[part].sum()) for part in parts) / len(order))
