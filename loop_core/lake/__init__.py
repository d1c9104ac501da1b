"""The lake: DuckLake tables of one workspace, behind one way to read and one way to write. Only here is duckdb imported."""

from loop_core.lake.connection import Lake, LakeLocation, Transaction
from loop_core.lake.reading import Reading
from loop_core.lake.tables import COLUMN_TYPES, create_loop_tables, quoted, signal_columns

__all__ = [
    "COLUMN_TYPES",
    "Lake",
    "LakeLocation",
    "Reading",
    "Transaction",
    "create_loop_tables",
    "quoted",
    "signal_columns",
]
