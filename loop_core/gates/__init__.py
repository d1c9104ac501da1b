"""What a batch must pass before it enters the lake; what does not pass waits in the quarantine, with the rule names.

`ingest` is the verb: source → staged and gated outside any lock → one lake transaction → ledger. `ingest_scores` takes what
another model said of the same predictions.
"""

from loop_core.gates.arrival import arrival
from loop_core.gates.ingest import ingest, repair
from loop_core.gates.report import BatchReport, RuleCount
from loop_core.gates.retraction import Retraction, retract
from loop_core.gates.score_files import ingest_scores

__all__ = ["BatchReport", "Retraction", "RuleCount", "arrival", "ingest", "ingest_scores", "repair", "retract"]
