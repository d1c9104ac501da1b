"""Metrics that are not known yet: what scores alone let expect (CBPE, DLE), until labels come."""

from loop_core.monitor.estimate.binary import BinaryEstimator, fit_binary
from loop_core.monitor.estimate.direct_loss import DirectLossEstimator, fit_direct_loss
from loop_core.monitor.estimate.expected import Expected, Rows, expected
from loop_core.monitor.estimate.multiclass import MulticlassEstimator, fit_multiclass
from loop_core.monitor.estimate.point import EstimatedPoint

__all__ = [
    "BinaryEstimator",
    "DirectLossEstimator",
    "EstimatedPoint",
    "Expected",
    "MulticlassEstimator",
    "Rows",
    "expected",
    "fit_binary",
    "fit_direct_loss",
    "fit_multiclass",
]
