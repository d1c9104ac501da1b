"""Metrics by name: how each is estimated for two models on the same rows, and which way is up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import numpy.typing as npt

from loop_core.compare.delong import auc_difference
from loop_core.compare.estimate import Estimate, NotEstimable
from loop_core.compare.macro_auc import macro_auc_difference
from loop_core.compare.paired import paired_difference
from loop_core.errors import UnknownNameError
from loop_core.monitor.losses import OF_NUMBERS, ROW_LOSSES, of_mean
from loop_core.monitor.roc import MIN_CLASS_ROWS
from loop_core.monitor.units import Units

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Pairs:
    """The rows of a comparison, as arrays of one length n."""

    labels: Floats
    """(n,) 0 or 1, the number of the class, or the number that came."""
    champion: Floats
    """(n,) probabilities in [0, 1] or predicted numbers; (n, n_classes) probabilities of several classes."""
    challenger: Floats
    """Likewise."""
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
    rarer = len(pairs) - int(np.unique(pairs.labels, return_counts=True)[1].max(initial=0))
    if len(pairs) and name not in OF_NUMBERS and rarer < MIN_CLASS_ROWS:
        # With hardly a row of another class, whichever model says less of it wins, with next to no spread.
        reason = f"{rarer} rows of the rarer class; an interval needs {MIN_CLASS_ROWS}"
        values = (float(of_mean(name, losses.mean())[0]) for losses in (first, second))
        return NotEstimable(len(pairs), reason, *values)
    if name == "accuracy":
        return _of_hits(paired_difference(first, second, pairs.units))
    return paired_difference(_linear(name, first), _linear(name, second), pairs.units)


def _linear(metric: str, losses: Floats) -> Floats:
    """(n,) row values whose mean is the metric, and whose spread is its spread by the delta method."""
    if not len(losses):
        return losses
    value, slope = of_mean(metric, losses.mean())
    return np.asarray(value + slope * (losses - losses.mean()))


def _of_hits(found: Estimate | NotEstimable) -> Estimate | NotEstimable:
    """The values of both models as hits rather than misses; the difference stays, up being good."""
    if found.champion is None or found.challenger is None:
        return found
    return replace(found, champion=1 - found.champion, challenger=1 - found.challenger)


def _auc(pairs: Pairs) -> Estimate | NotEstimable:
    difference = macro_auc_difference if pairs.champion.ndim == 2 else auc_difference
    return difference(pairs.labels, pairs.champion, pairs.challenger, pairs.units)


#: Metric name → estimator. A new metric is one function and one line here.
METRICS: dict[str, Estimator] = {name: partial(_row_additive, name) for name in ROW_LOSSES} | {"auc": _auc}


def estimate(metric: str, pairs: Pairs) -> Estimate | NotEstimable:
    """One metric of both models; UnknownNameError lists the metrics."""
    if metric not in METRICS:
        raise UnknownNameError("metric", metric, METRICS)
    return METRICS[metric](pairs)
