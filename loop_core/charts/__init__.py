"""Result → Altair chart, as pure functions that pages and notebooks share. Only here is altair imported."""

from loop_core.charts.drift import drift_heatmap, worst_first
from loop_core.charts.feature import cohort_drift, distributions, drift_line, quadrant, separating
from loop_core.charts.forest import Look, by_harm, forest
from loop_core.charts.matrix import cohort_matrix, group_of
from loop_core.charts.palette import MAX_MARKS
from loop_core.charts.performance import Beside, Span, performance_chart, short, span_of
from loop_core.charts.policies import policy_losses, policy_retrains
from loop_core.charts.reliability import boundary_chart, calibration_trend, reliability_chart
from loop_core.charts.signals import completeness_curve, gate_results
from loop_core.charts.specification import specification
from loop_core.charts.strips import confidence_strip, drift_strip, error_strip, latency_strip, rating_strip
from loop_core.charts.timeline import timeline
from loop_core.charts.trends import low_share, rating_trend, volume
from loop_core.charts.trials import parameter_importance, trial_history

__all__ = [
    "MAX_MARKS",
    "Beside",
    "Look",
    "Span",
    "boundary_chart",
    "by_harm",
    "calibration_trend",
    "cohort_drift",
    "cohort_matrix",
    "completeness_curve",
    "confidence_strip",
    "distributions",
    "drift_heatmap",
    "drift_line",
    "drift_strip",
    "error_strip",
    "forest",
    "gate_results",
    "group_of",
    "latency_strip",
    "low_share",
    "parameter_importance",
    "performance_chart",
    "policy_losses",
    "policy_retrains",
    "quadrant",
    "rating_strip",
    "rating_trend",
    "reliability_chart",
    "separating",
    "short",
    "span_of",
    "specification",
    "timeline",
    "trial_history",
    "volume",
    "worst_first",
]
