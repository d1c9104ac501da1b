"""The lake: DuckLake tables of one workspace, behind one way to read and one way to write. Only here is duckdb imported."""

from loop_core.lake.adoption import adopt, can_adopt
from loop_core.lake.compile import charter_problems, compile_charter, compile_charter_file
from loop_core.lake.connection import Lake, Transaction
from loop_core.lake.damage import DamagedFile, damage_of_batches
from loop_core.lake.door import DEFAULT_LIMITS, QueryLimits, check_expression
from loop_core.lake.location import LakeLocation
from loop_core.lake.maintenance import LakeReport, MaintenanceReport, check_lake, maintain_lake
from loop_core.lake.reading import PublicReading, Reading, with_literals
from loop_core.lake.tables import COLUMN_TYPES, create_loop_tables, quoted, signal_columns

__all__ = [
    "COLUMN_TYPES",
    "DEFAULT_LIMITS",
    "DamagedFile",
    "Lake",
    "LakeLocation",
    "LakeReport",
    "MaintenanceReport",
    "PublicReading",
    "QueryLimits",
    "Reading",
    "Transaction",
    "adopt",
    "can_adopt",
    "charter_problems",
    "check_expression",
    "check_lake",
    "compile_charter",
    "compile_charter_file",
    "create_loop_tables",
    "damage_of_batches",
    "maintain_lake",
    "quoted",
    "signal_columns",
    "with_literals",
]
