"""Log loss: −ln of the probability given to what happened, on average."""

import numpy as np

from loop_core.compare.metrics.sums import RARER_CLASS, SumMetric
from loop_core.monitor.losses import log_losses
from loop_core.vocabulary import Task

LOG_LOSS = SumMetric(
    "log_loss",
    "log loss",
    (Task.BINARY, Task.MULTICLASS),
    rows=lambda labels, scores, terms: log_losses(labels, scores)[np.newaxis],
    rarer_class=RARER_CLASS,
)
