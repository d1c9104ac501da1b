"""Task → how its metrics are estimated."""

from __future__ import annotations

from typing import Any

from loop_core.monitor.estimate.binary import BinaryMethod
from loop_core.monitor.estimate.direct_loss import DirectLossMethod
from loop_core.monitor.estimate.multiclass import MulticlassMethod
from loop_core.vocabulary import Task

# `Any`: each method takes the estimators that it made itself.
METHODS: dict[Task, Any] = {
    Task.BINARY: BinaryMethod(),
    Task.MULTICLASS: MulticlassMethod(),
    Task.REGRESSION: DirectLossMethod(),
}
