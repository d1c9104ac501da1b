"""What a task asks of LightGBM, and by which loss a search judges its trials."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from loop_core.charter import Charter
from loop_core.monitor.losses import Loss, absolute_errors, log_losses, squared_errors
from loop_core.vocabulary import Task


@dataclass(frozen=True)
class Learning:
    """One way to learn."""

    params: Mapping[str, Any]
    """LightGBM's objective, the metric that stops it early, and how many classes there are."""
    loss: Loss
    """Loss of each row, whose mean a search lowers."""


def learning_of(charter: Charter) -> Learning:
    """The charter's task; a regression is judged by absolute errors where `mae` is its first metric, else by squares."""
    if charter.loop.task is Task.MULTICLASS:
        params = {"objective": "multiclass", "metric": "multi_logloss", "num_class": len(charter.loop.classes)}
        return Learning(params, log_losses)
    if charter.loop.task is Task.REGRESSION:
        absolute = charter.metrics[0].name == "mae"
        params = (
            {"objective": "regression_l1", "metric": "l1"} if absolute else {"objective": "regression", "metric": "l2"}
        )
        return Learning(params, absolute_errors if absolute else squared_errors)
    return Learning({"objective": "binary", "metric": "binary_logloss"}, log_losses)
