"""What a batch must pass before it enters the lake; what does not pass waits in the quarantine, with the rule names."""

from loop_core.gates.report import BatchReport, RuleCount

__all__ = ["BatchReport", "RuleCount"]
