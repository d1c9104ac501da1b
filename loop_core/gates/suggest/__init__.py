"""Row and batch rules proposed from a quiet period, each with its evidence; none that the period itself breaks."""

from loop_core.gates.suggest.suggest import suggest_gates
from loop_core.gates.suggest.suggestion import Suggestion, Suggestions
from loop_core.gates.suggest.written import with_suggestions

__all__ = ["Suggestion", "Suggestions", "suggest_gates", "with_suggestions"]
