"""Metrics by name: how each is estimated for two models on the same rows, and which way is up."""

from __future__ import annotations

from loop_core.compare.groups import Grouping, everybody
from loop_core.compare.metrics.accuracy import ACCURACY
from loop_core.compare.metrics.auc import Auc
from loop_core.compare.metrics.average_precision import AveragePrecision
from loop_core.compare.metrics.bias import BIAS
from loop_core.compare.metrics.brier import BRIER
from loop_core.compare.metrics.cost import COST
from loop_core.compare.metrics.ece import ECE
from loop_core.compare.metrics.f1 import F1
from loop_core.compare.metrics.kind import Found, MetricKind
from loop_core.compare.metrics.log_loss import LOG_LOSS
from loop_core.compare.metrics.macro_f1 import MACRO_F1
from loop_core.compare.metrics.mae import MAE
from loop_core.compare.metrics.mse import MSE, RMSE
from loop_core.compare.metrics.pairs import Pairs, Terms
from loop_core.compare.metrics.partial import partial_estimates
from loop_core.compare.metrics.pinball import PINBALL
from loop_core.compare.metrics.precision import PRECISION
from loop_core.compare.metrics.recall import RECALL
from loop_core.errors import UnknownNameError

__all__ = ["METRICS", "Found", "MetricKind", "Pairs", "Terms", "estimate", "estimates", "words_of"]

_KINDS: tuple[MetricKind, ...] = (
    LOG_LOSS, BRIER, Auc(), AveragePrecision(), ACCURACY, PRECISION, RECALL, F1, ECE, COST,
    MACRO_F1, MAE, MSE, RMSE, BIAS, PINBALL,
)  # fmt: skip
#: Metric name → how it is estimated.
METRICS: dict[str, MetricKind] = {kind.name: kind for kind in _KINDS}


def estimates(metric: str, pairs: Pairs, grouping: Grouping, terms: Terms | None = None) -> list[Found]:
    """One metric of both models in every group, one entry a group.

    Several metrics of the same rows are quickest grouping by grouping: what they share is kept for the newest one.

    Args:
        metric: one of `METRICS`.
        pairs: n rows.
        grouping: of these n rows.
        terms: operating point, costs, quantile; None: 0.5, equal costs, the median.

    Raises:
        UnknownNameError: no such metric; the message lists them.
    """
    if metric not in METRICS:
        raise UnknownNameError("metric", metric, METRICS)
    kind = METRICS[metric]
    if pairs.weights is None and not pairs.unlabelled.any():
        return kind.estimates(pairs, grouping, terms or Terms())
    return partial_estimates(kind, pairs, grouping, terms or Terms())


def estimate(metric: str, pairs: Pairs, terms: Terms | None = None) -> Found:
    """One metric of both models over everybody."""
    if not len(pairs):
        from loop_core.compare.estimate import NotEstimable

        return NotEstimable(0, "there are no rows")
    return estimates(metric, pairs, everybody(len(pairs)), terms)[0]


def words_of(metric: str) -> str:
    """A metric as people call it.

    >>> words_of("log_loss")
    'log loss'
    """
    return METRICS[metric].words if metric in METRICS else metric.replace("_", " ")
