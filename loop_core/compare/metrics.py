"""Metrics by name: how each is estimated for two models on the same rows, and which way is up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

from loop_core.compare.delong import auc_difference
from loop_core.compare.estimate import Estimate, NotEstimable
from loop_core.compare.paired import paired_difference
from loop_core.errors import UnknownNameError
from loop_core.monitor.losses import ROW_LOSSES
from loop_core.monitor.roc import MIN_CLASS_ROWS
from loop_core.monitor.units import Units

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Pairs:
    """The rows of a comparison, as arrays of one length n."""

    labels: Floats
    """(n,) 0 or 1."""
    champion: Floats
    """(n,) probabilities in [0, 1]."""
    challenger: Floats
    """(n,) probabilities in [0, 1]."""
    units: Units

    def take(self, rows: npt.NDArray[np.int64]) -> Pairs:
        """The rows at these places."""
        return Pairs(self.labels[rows], self.champion[rows], self.challenger[rows], self.units.take(rows))

    def __len__(self) -> int:
        return len(self.labels)


Estimator = Callable[[Pairs], Estimate | NotEstimable]


def _row_additive(name: str, pairs: Pairs) -> Estimate | NotEstimable:
    loss = ROW_LOSSES[name]
    first, second = loss(pairs.labels, pairs.champion), loss(pairs.labels, pairs.challenger)
    positives = int((pairs.labels > 0.5).sum())
    rarer = min(positives, len(pairs) - positives)
    if len(pairs) and rarer < MIN_CLASS_ROWS:
        # With hardly a positive among the rows, whichever model says less wins, with next to no spread.
        reason = f"{rarer} rows of the rarer class; an interval needs {MIN_CLASS_ROWS}"
        return NotEstimable(len(pairs), reason, float(first.mean()), float(second.mean()))
    return paired_difference(first, second, pairs.units)


def _auc(pairs: Pairs) -> Estimate | NotEstimable:
    return auc_difference(pairs.labels, pairs.champion, pairs.challenger, pairs.units)


#: Metric name → estimator. A new metric is one function and one line here.
METRICS: dict[str, Estimator] = {name: partial(_row_additive, name) for name in ROW_LOSSES} | {"auc": _auc}


def estimate(metric: str, pairs: Pairs) -> Estimate | NotEstimable:
    """One metric of both models; UnknownNameError lists the metrics."""
    if metric not in METRICS:
        raise UnknownNameError("metric", metric, METRICS)
    return METRICS[metric](pairs)
