"""Mean squared error, and its root in the label's unit."""

import numpy as np

from loop_core.compare.metrics.sums import Floats, SumMetric
from loop_core.monitor.losses import of_mean, squared_errors
from loop_core.vocabulary import Task


def _root(means: Floats) -> tuple[Floats, Floats]:
    value, slope = of_mean("rmse", means[0])
    return value, slope[np.newaxis]


MSE = SumMetric(
    "mse",
    "squared error",
    (Task.REGRESSION,),
    rows=lambda labels, scores, terms: squared_errors(labels, scores)[np.newaxis],
)
RMSE = SumMetric(
    "rmse",
    "root squared error",
    (Task.REGRESSION,),
    rows=lambda labels, scores, terms: squared_errors(labels, scores)[np.newaxis],
    of=_root,
)
