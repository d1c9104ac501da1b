"""Pinball loss: what a predicted quantile costs, under and over weighed by the charter's `quantile`."""

import numpy as np

from loop_core.compare.metrics.pairs import Terms
from loop_core.compare.metrics.sums import Floats, SumMetric
from loop_core.vocabulary import Task


def _rows(labels: Floats, scores: Floats, terms: Terms) -> Floats:
    gaps = labels - scores
    return np.maximum(terms.quantile * gaps, (terms.quantile - 1) * gaps)[np.newaxis]


PINBALL = SumMetric("pinball", "pinball loss", (Task.REGRESSION,), rows=_rows)
