"""Files and SQL queries → streams of Arrow batches. `simulate` makes signals with known drift."""

from loop_core.signals.score_files import ScoresReport, ingest_scores, name_scores
from loop_core.signals.source import Source, read_source

__all__ = ["ScoresReport", "Source", "ingest_scores", "name_scores", "read_source"]
