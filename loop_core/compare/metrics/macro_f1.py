"""Macro F1: the F1 of each class against the rest, averaged over classes."""

import numpy as np

from loop_core.compare.metrics.answers import answers
from loop_core.compare.metrics.pairs import Terms
from loop_core.compare.metrics.sums import Floats, SumMetric
from loop_core.vocabulary import Task


def _rows(labels: Floats, scores: Floats, terms: Terms) -> Floats:
    """(2·n_classes, n): of each class twice the hits, and called plus there."""
    said, classes = answers(scores, terms), np.arange(scores.shape[1])[:, np.newaxis]
    called, there = said == classes, labels == classes
    both = np.stack([2.0 * (called & there), called.astype(np.float64) + there], axis=1)
    return both.reshape(-1, len(labels))


def _of(means: Floats) -> tuple[Floats, Floats]:
    hits, either = means[0::2], means[1::2]
    # A class that is neither there nor called has an F1 of 0, as scikit-learn has it.
    scores = np.divide(hits, either, out=np.zeros_like(hits), where=either > 0)
    slope = np.divide(1.0, either, out=np.zeros_like(either), where=either > 0)
    slopes = np.stack([slope, -scores * slope], axis=1).reshape(means.shape)
    return scores.mean(axis=0), slopes / len(hits)


MACRO_F1 = SumMetric(
    "macro_f1",
    "macro F1",
    (Task.MULTICLASS,),
    rows=_rows,
    of=_of,
    more_is_better=True,
    step=lambda terms: 1.0,
    needs=((slice(0, None, 2), 40, "twice the hits in the class with fewest"),),
)
