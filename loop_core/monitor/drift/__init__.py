"""Drift: windows against the reference, with thresholds learned for their row count."""

from loop_core.monitor.drift.base import DriftMeasure
from loop_core.monitor.drift.calibrate import Calibration, calibrate
from loop_core.monitor.drift.cohorts import CohortDrift, cohort_drift
from loop_core.monitor.drift.domain import DomainResult, domain_classifier
from loop_core.monitor.drift.exact import exact_drift
from loop_core.monitor.drift.psi import psi
from loop_core.monitor.drift.registry import METHODS
from loop_core.monitor.drift.scores import DriftScore, drift_scores

__all__ = [
    "METHODS",
    "Calibration",
    "CohortDrift",
    "DomainResult",
    "DriftMeasure",
    "DriftScore",
    "calibrate",
    "cohort_drift",
    "domain_classifier",
    "drift_scores",
    "exact_drift",
    "psi",
]
