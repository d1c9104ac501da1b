"""Windows of a loop → drift, realised performance, service health → findings."""

from loop_core.monitor.drift import METHODS, DriftScore, drift_scores, learned_threshold, psi
from loop_core.monitor.finding import Finding
from loop_core.monitor.importance import importance
from loop_core.monitor.losses import brier_losses, log_losses
from loop_core.monitor.monitor import monitor
from loop_core.monitor.performance import PerformancePoint, performance
from loop_core.monitor.record import findings_at, record_findings, standing_since
from loop_core.monitor.service import HealthPoint, service_health

__all__ = [
    "METHODS",
    "DriftScore",
    "Finding",
    "HealthPoint",
    "PerformancePoint",
    "brier_losses",
    "drift_scores",
    "findings_at",
    "importance",
    "learned_threshold",
    "log_losses",
    "monitor",
    "performance",
    "psi",
    "record_findings",
    "service_health",
    "standing_since",
]
