"""The door of people's SQL: one SELECT over named views, parsed and checked, run by a DuckDB that can do nothing else."""

from loop_core.lake.door.expression import check_expression
from loop_core.lake.door.limits import DEFAULT_LIMITS, QueryLimits
from loop_core.lake.door.query import Door
from loop_core.lake.door.script import read_script
from loop_core.lake.door.statement import Statement, read_select

__all__ = [
    "DEFAULT_LIMITS",
    "Door",
    "QueryLimits",
    "Statement",
    "check_expression",
    "read_script",
    "read_select",
]
