"""What the newest window does to the model, told from its scores before any label is in."""

from __future__ import annotations

from datetime import datetime

from loop_core.monitor.check_drift import Effect
from loop_core.monitor.estimate.estimated import estimated_performance
from loop_core.monitor.measure import UP_IS_GOOD
from loop_core.windows import Windows
from loop_core.workspace import Loop


def estimated_effect(loop: Loop, as_of: datetime) -> Effect | None:
    """The loop's first metric as estimated for the newest window, beside its mean in the reference.

    Returns:
        None where it cannot be estimated: no scores, no labels to calibrate on, or a metric without estimate.
    """
    metric = loop.charter.metrics[0].name
    span = Windows.at(as_of, loop.charter.monitor.window_days).span(0)
    for point in estimated_performance(loop, as_of, metrics=[metric], weeks=1):
        told = (point.value, point.threshold_low, point.threshold_high)
        if (point.window_start, point.window_end) == span and None not in told:
            now, low, high = (float(value) for value in told if value is not None)
            usual = (low + high) / 2
            return Effect(metric, now, usual, usual - now if metric in UP_IS_GOOD else now - usual)
    return None
