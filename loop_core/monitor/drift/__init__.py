"""Drift: windows against the reference, with thresholds learned for their row count."""

from loop_core.monitor.drift.base import DriftMeasure
from loop_core.monitor.drift.psi import psi
from loop_core.monitor.drift.registry import METHODS
from loop_core.monitor.drift.scores import DriftScore, drift_scores
from loop_core.monitor.drift.threshold import learned_threshold

__all__ = ["METHODS", "DriftMeasure", "DriftScore", "drift_scores", "learned_threshold", "psi"]
