"""Windows whose labels are settled are measured once: the results are stored, and followed when rows change."""

from loop_core.monitor.settled.check import MeasureCheck, recount_measures
from loop_core.monitor.settled.reading import OLDEST, Asked, hold_rows, read_stamped, read_summaries
from loop_core.monitor.settled.refresh import refresh_measures, settle_measures
from loop_core.monitor.settled.remembered import by_window, stamps_at
from loop_core.monitor.settled.standing import Stamp
from loop_core.monitor.settled.summary import Summary

__all__ = [
    "OLDEST",
    "Asked",
    "MeasureCheck",
    "Stamp",
    "Summary",
    "by_window",
    "hold_rows",
    "read_stamped",
    "read_summaries",
    "recount_measures",
    "refresh_measures",
    "settle_measures",
    "stamps_at",
]
