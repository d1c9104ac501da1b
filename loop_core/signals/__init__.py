"""Files and SQL queries → streams of Arrow batches. `simulate` makes signals with known drift."""

from loop_core.signals.naming import name_scores
from loop_core.signals.source import Source, read_source

__all__ = ["Source", "name_scores", "read_source"]
