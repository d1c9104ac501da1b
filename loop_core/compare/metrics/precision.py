"""Precision: of those called positive at the operating point, the share that was."""

import numpy as np

from loop_core.compare.metrics.answers import answers, ratio
from loop_core.compare.metrics.pairs import Terms
from loop_core.compare.metrics.sums import Floats, SumMetric
from loop_core.vocabulary import Task


def _rows(labels: Floats, scores: Floats, terms: Terms) -> Floats:
    said = answers(scores, terms)
    return np.stack([said * labels, said])


PRECISION = SumMetric(
    "precision",
    "precision",
    (Task.BINARY,),
    rows=_rows,
    of=ratio,
    more_is_better=True,
    step=lambda terms: 1.0,
    needs=((slice(1, 2), 30, "rows called positive"), (slice(0, 1), 10, "rows rightly called positive")),
)
