"""`loops/<name>.toml` → validated, hashed, versioned `Charter`: what one loop is about and by which rules it lives."""

from loop_core.charter.model import (
    BatchRules,
    Charter,
    Cohort,
    Column,
    Contract,
    Goal,
    Labels,
    Metric,
    MonitorPlan,
    RetrainPlan,
    Roles,
    Rollout,
    Rule,
    SignalContract,
    TriggerPlan,
)
from loop_core.charter.parse import check_charter, load_charter, parse_charter

__all__ = [
    "BatchRules",
    "Charter",
    "Cohort",
    "Column",
    "Contract",
    "Goal",
    "Labels",
    "Metric",
    "MonitorPlan",
    "RetrainPlan",
    "Roles",
    "Rollout",
    "Rule",
    "SignalContract",
    "TriggerPlan",
    "check_charter",
    "load_charter",
    "parse_charter",
]
