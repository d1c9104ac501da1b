"""`[[metrics]]` and `[costs]`: what comparisons and windows measure, and which task each metric says something of."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from loop_core.charter.part import AMOUNT, Part
from loop_core.vocabulary import Task

#: Metrics between 0 and 1.
SHARES = frozenset(["auc", "average_precision", "accuracy", "precision", "recall", "f1", "ece", "macro_f1"])


class Costs(Part):
    """`[costs]`: what a wrong answer of a yes/no model costs, each in the same unit."""

    false_alarm: Annotated[float, AMOUNT] = Field(gt=0)
    """Yes was said, and it was no."""
    miss: Annotated[float, AMOUNT] = Field(gt=0)
    """No was said, and it was yes."""


class Metric(Part):
    """`[[metrics]]`: what comparisons and windows measure."""

    name: Literal[
        "log_loss", "brier", "auc", "average_precision", "accuracy", "precision", "recall", "f1", "ece", "cost",
        "macro_f1", "mae", "mse", "rmse", "bias", "pinball", "latency_p50", "latency_p95", "model_bytes",
    ]  # fmt: skip
    """The first one is watched and tuned; which of them a task has, `loop charter check` says."""
    block: Literal["goal", "guardrail", "signal"] = "goal"
    """Goal and guardrail metrics hold a release; signals are shown only."""
    margin: Annotated[float, AMOUNT] = Field(gt=0)
    """Non-inferiority margin in the metric's own unit: losing less than this counts as not worse."""
    cohort_margin: Annotated[float, AMOUNT] | None = Field(default=None, gt=0)
    """Margin inside cohorts; None: twice `margin`."""
    quantile: float | None = Field(default=None, gt=0, lt=1)
    """Pinball: which quantile the model predicts; None: the median."""

    def margin_for(self, cohort: str | None) -> float:
        """Margin overall (`None`) or inside a cohort."""
        return self.margin if cohort is None else self.cohort_margin or 2 * self.margin


#: Task → the metrics that windows are watched by, models tuned by, and missing labels estimated by.
WATCHED_OF = {
    Task.BINARY: ("log_loss", "brier", "auc"),
    Task.MULTICLASS: ("log_loss", "brier", "auc", "accuracy"),
    Task.REGRESSION: ("mae", "mse", "rmse"),
}
#: Of the service rather than of answers: milliseconds and bytes, over everybody only.
SERVICE = ("latency_p50", "latency_p95", "model_bytes")
#: Task → the metrics that two models may be compared by.
METRICS_OF = {
    Task.BINARY: (
        *WATCHED_OF[Task.BINARY], "average_precision", "accuracy", "precision", "recall", "f1", "ece", "cost", *SERVICE,
    ),
    Task.MULTICLASS: (*WATCHED_OF[Task.MULTICLASS], "macro_f1", *SERVICE),
    Task.REGRESSION: (*WATCHED_OF[Task.REGRESSION], "bias", "pinball", *SERVICE),
}  # fmt: skip
