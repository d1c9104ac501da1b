"""Brier score: squared error of the probability; of several classes, summed over them."""

import numpy as np

from loop_core.compare.metrics.sums import RARER_CLASS, SumMetric
from loop_core.monitor.losses import brier_losses
from loop_core.vocabulary import Task

BRIER = SumMetric(
    "brier",
    "Brier score",
    (Task.BINARY, Task.MULTICLASS),
    rows=lambda labels, scores, terms: brier_losses(labels, scores)[np.newaxis],
    rarer_class=RARER_CLASS,
)
