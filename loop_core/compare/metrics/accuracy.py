"""Accuracy: share of right answers at the operating point."""

import numpy as np

from loop_core.compare.metrics.answers import answers
from loop_core.compare.metrics.sums import RARER_CLASS, SumMetric
from loop_core.vocabulary import Task

ACCURACY = SumMetric(
    "accuracy",
    "accuracy",
    (Task.BINARY, Task.MULTICLASS),
    rows=lambda labels, scores, terms: (answers(scores, terms) == labels).astype(np.float64)[np.newaxis],
    more_is_better=True,
    step=lambda terms: 1.0,
    rarer_class=RARER_CLASS,
)
