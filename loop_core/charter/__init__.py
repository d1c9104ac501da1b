"""`loops/<name>.toml` → validated, hashed, versioned `Charter`: what one loop is about and by which rules it lives."""

from loop_core.charter.contract import BatchRules, Column, Contract, Rule, SignalContract
from loop_core.charter.firing import never_fires
from loop_core.charter.labels import Labels
from loop_core.charter.metric import METRICS_OF, SERVICE, WATCHED_OF, Costs, Metric
from loop_core.charter.model import About, Charter, Cohort, Goal, Roles
from loop_core.charter.mutations import Change, Mutation
from loop_core.charter.parse import check_charter, load_charter, parse_charter, parse_triggers
from loop_core.charter.plans import AlertPlan, MonitorPlan, RetrainPlan, Rollout, TriggerPlan

__all__ = [
    "METRICS_OF",
    "SERVICE",
    "WATCHED_OF",
    "About",
    "AlertPlan",
    "BatchRules",
    "Change",
    "Charter",
    "Cohort",
    "Column",
    "Contract",
    "Costs",
    "Goal",
    "Labels",
    "Metric",
    "MonitorPlan",
    "Mutation",
    "RetrainPlan",
    "Roles",
    "Rollout",
    "Rule",
    "SignalContract",
    "TriggerPlan",
    "check_charter",
    "load_charter",
    "never_fires",
    "parse_charter",
    "parse_triggers",
]
