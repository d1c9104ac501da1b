"""Mean absolute error, in the label's unit."""

import numpy as np

from loop_core.compare.metrics.sums import SumMetric
from loop_core.monitor.losses import absolute_errors
from loop_core.vocabulary import Task

MAE = SumMetric(
    "mae",
    "absolute error",
    (Task.REGRESSION,),
    rows=lambda labels, scores, terms: absolute_errors(labels, scores)[np.newaxis],
)
