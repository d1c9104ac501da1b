"""Cost: what the answers at the operating point cost a row, by the charter's `[costs]`."""

import numpy as np

from loop_core.compare.metrics.answers import answers
from loop_core.compare.metrics.pairs import Terms
from loop_core.compare.metrics.sums import RARER_CLASS, Floats, SumMetric
from loop_core.vocabulary import Task


def _rows(labels: Floats, scores: Floats, terms: Terms) -> Floats:
    said = answers(scores, terms)
    return np.asarray(terms.false_alarm * said * (1 - labels) + terms.miss * (1 - said) * labels)[np.newaxis]


COST = SumMetric(
    "cost",
    "cost",
    (Task.BINARY,),
    rows=_rows,
    rarer_class=RARER_CLASS,
    step=lambda terms: max(terms.false_alarm, terms.miss),
)
