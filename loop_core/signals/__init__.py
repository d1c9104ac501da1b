"""Files and SQL queries → typed, gated rows in the lake. `simulate` makes signals with known drift."""

from loop_core.signals.ingest import ingest, repair
from loop_core.signals.source import Source, read_source

__all__ = ["Source", "ingest", "read_source", "repair"]
