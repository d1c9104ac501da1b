"""F1: harmonic mean of precision and recall at the operating point."""

import numpy as np

from loop_core.compare.metrics.answers import answers, ratio
from loop_core.compare.metrics.pairs import Terms
from loop_core.compare.metrics.sums import Floats, SumMetric
from loop_core.vocabulary import Task


def _rows(labels: Floats, scores: Floats, terms: Terms) -> Floats:
    said = answers(scores, terms)
    return np.stack([2 * said * labels, said + labels, labels])


def _of(means: Floats) -> tuple[Floats, Floats]:
    value, slopes = ratio(means[:2])
    return value, np.stack([*slopes, np.zeros_like(value)])


F1 = SumMetric(
    "f1",
    "F1",
    (Task.BINARY,),
    rows=_rows,
    of=_of,
    more_is_better=True,
    step=lambda terms: 1.0,
    needs=((slice(2, 3), 30, "positives"), (slice(0, 1), 20, "twice the rows rightly called positive")),
)
