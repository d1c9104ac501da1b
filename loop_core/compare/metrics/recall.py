"""Recall: of the positives, the share that was called positive at the operating point."""

import numpy as np

from loop_core.compare.metrics.answers import answers, ratio
from loop_core.compare.metrics.pairs import Terms
from loop_core.compare.metrics.sums import Floats, SumMetric
from loop_core.vocabulary import Task


def _rows(labels: Floats, scores: Floats, terms: Terms) -> Floats:
    return np.stack([answers(scores, terms) * labels, labels])


RECALL = SumMetric(
    "recall",
    "recall",
    (Task.BINARY,),
    rows=_rows,
    of=ratio,
    more_is_better=True,
    step=lambda terms: 1.0,
    needs=((slice(1, 2), 30, "positives"),),
)
