"""What a batch must pass before it enters the lake; what does not pass waits in the quarantine, with the rule names.

`ingest` is the verb: source → staged and gated outside any lock → one lake transaction → ledger.
"""

from loop_core.gates.ingest import ingest, repair
from loop_core.gates.report import BatchReport, RuleCount

__all__ = ["BatchReport", "RuleCount", "ingest", "repair"]
