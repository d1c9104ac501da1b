"""Windows of a loop → drift, realised performance, service health → findings."""

from loop_core.monitor.boundary import ScoreBands, decision_boundary
from loop_core.monitor.calibration import calibration
from loop_core.monitor.check_model import check_model
from loop_core.monitor.drift import (
    METHODS,
    Calibration,
    DomainResult,
    DriftScore,
    calibrate,
    cohort_drift,
    domain_classifier,
    drift_scores,
    exact_drift,
    psi,
)
from loop_core.monitor.estimate.estimated import estimated_performance
from loop_core.monitor.estimate.point import EstimatedPoint
from loop_core.monitor.finding import Finding
from loop_core.monitor.importance import importance
from loop_core.monitor.losses import brier_losses, log_losses
from loop_core.monitor.monitor import monitor
from loop_core.monitor.performance import PerformancePoint, performance
from loop_core.monitor.ratings import RatingPoint, mean_ratings
from loop_core.monitor.record import findings_at, record_findings, standing_since
from loop_core.monitor.reliability import ReliabilityCurve
from loop_core.monitor.service import HealthPoint, service_health

__all__ = [
    "METHODS",
    "Calibration",
    "DomainResult",
    "DriftScore",
    "EstimatedPoint",
    "Finding",
    "HealthPoint",
    "PerformancePoint",
    "RatingPoint",
    "ReliabilityCurve",
    "ScoreBands",
    "brier_losses",
    "calibrate",
    "calibration",
    "check_model",
    "cohort_drift",
    "decision_boundary",
    "domain_classifier",
    "drift_scores",
    "estimated_performance",
    "exact_drift",
    "findings_at",
    "importance",
    "log_losses",
    "mean_ratings",
    "monitor",
    "performance",
    "psi",
    "record_findings",
    "service_health",
    "standing_since",
]
