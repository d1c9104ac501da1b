"""Result → Altair chart, as pure functions that pages and notebooks share. Only here is altair imported."""

from loop_core.charts.drift import distributions, drift_heatmap, drift_line, worst_first
from loop_core.charts.forest import by_harm, forest, who
from loop_core.charts.palette import MAX_MARKS
from loop_core.charts.performance import drift_strip, performance_chart, short, span_of
from loop_core.charts.timeline import timeline
from loop_core.charts.trends import completeness, latency, low_share, rating_trend, volume

__all__ = [
    "MAX_MARKS",
    "by_harm",
    "completeness",
    "distributions",
    "drift_heatmap",
    "drift_line",
    "drift_strip",
    "forest",
    "latency",
    "low_share",
    "performance_chart",
    "rating_trend",
    "short",
    "span_of",
    "timeline",
    "volume",
    "who",
    "worst_first",
]
