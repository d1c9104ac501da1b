"""Windows whose labels are settled are measured once: the results are stored, and followed when rows change."""

from loop_core.monitor.settled.check import MeasureCheck, recount_measures
from loop_core.monitor.settled.reading import Asked, read_summaries
from loop_core.monitor.settled.refresh import refresh_measures, settle_measures
from loop_core.monitor.settled.summary import Summary

__all__ = [
    "Asked",
    "MeasureCheck",
    "Summary",
    "read_summaries",
    "recount_measures",
    "refresh_measures",
    "settle_measures",
]
