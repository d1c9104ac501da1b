"""The report analysts know from Evidently, for one window and cohort, on a stated sample. Evidently is imported nowhere else."""

from loop_core.monitor.report.report import evidently_report
from loop_core.monitor.report.stored import Report, latest_report, reports

__all__ = ["Report", "evidently_report", "latest_report", "reports"]
