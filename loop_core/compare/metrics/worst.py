"""The labels that rows without one would need to have, so that a metric's difference is as low or as high as it can be."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from loop_core.compare.groups import Grouping
from loop_core.compare.metrics.answers import answers
from loop_core.compare.metrics.kind import MetricKind
from loop_core.compare.metrics.pairs import Pairs, Terms
from loop_core.compare.metrics.sums import SumMetric, mean_itself

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]
#: (positives, called positive) → what one rightly called positive adds to a model's value.
Share = Callable[[Floats, float], Floats]
_SHARES: dict[str, Share] = {
    "precision": lambda positives, called: np.full_like(positives, 1 / called if called else np.nan),
    "recall": lambda positives, called: 1 / positives,
    "f1": lambda positives, called: 2 / (called + positives),
}


def extreme_labels(kind: MetricKind, pairs: Pairs, grouping: Grouping, terms: Terms) -> tuple[Floats, Floats] | None:
    """((n,) labels worst for the challenger, (n,) labels best for it), exact for every group; None: not known of this metric.

    A mean over rows is lowest where each row has the label worst for it. Precision, recall, F1 and AUC are, at a fixed
    number of positives, sums over the positives too: of AUC because whether i is above j is the opposite of whether j is
    above i, so that pairs of positives cancel and what is left is Σ yᵢ (rank₂ − rank₁) / (m (N − m)). Every number of
    positives is tried.

    Args:
        kind: the metric.
        pairs: labels are NaN where there is none.
        grouping: of the n rows.
        terms: as the metric needs them.
    """
    missing = np.flatnonzero(pairs.unlabelled)
    if isinstance(kind, SumMetric) and kind.of is mean_itself:
        return _by_row(kind, pairs, missing, terms)
    if pairs.champion.ndim == 2 or (kind.name not in _SHARES and kind.name != "auc"):
        return None
    low, high = pairs.labels.copy(), pairs.labels.copy()
    for group in range(grouping.count):
        rows = np.flatnonzero(grouping.codes == group)
        open_ = rows[pairs.unlabelled[rows]]
        if not len(open_):
            continue
        for labels, sign in ((low, 1.0), (high, -1.0)):
            labels[open_] = 0.0
            labels[_positives(kind.name, pairs, rows, terms, sign)] = 1.0
    return low, high


def _by_row(kind: SumMetric, pairs: Pairs, missing: Places, terms: Terms) -> tuple[Floats, Floats]:
    classes = pairs.champion.shape[1] if pairs.champion.ndim == 2 else 2
    sign = 1.0 if kind.more_is_better else -1.0
    gains = []
    for label in range(classes):
        labels = np.full(len(missing), float(label))
        first, second = (kind.rows(labels, scores[missing], terms)[0] for scores in (pairs.champion, pairs.challenger))
        gains.append(sign * (second - first))
    low, high = pairs.labels.copy(), pairs.labels.copy()
    low[missing], high[missing] = np.argmin(gains, axis=0), np.argmax(gains, axis=0)
    return low, high


def _positives(name: str, pairs: Pairs, rows: Places, terms: Terms, sign: float) -> Places:
    """Which rows without label are positive where sign × the difference is lowest."""
    if name == "auc":
        return _positives_of_ranks(pairs, rows, sign)
    return _positives_of_answers(_SHARES[name], pairs, rows, terms, sign)


def _positives_of_ranks(pairs: Pairs, rows: Places, sign: float) -> Places:
    from scipy.stats import rankdata

    gain = sign * (rankdata(pairs.challenger[rows]) - rankdata(pairs.champion[rows]))
    open_, n = pairs.unlabelled[rows], len(rows)
    positive = pairs.labels[rows] == 1
    order = np.argsort(gain[open_], kind="stable")
    total = gain[positive].sum() + np.concatenate([[0.0], np.cumsum(gain[open_][order])])
    m = positive.sum() + np.arange(len(total), dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        value = np.where((m > 0) & (m < n), total / (m * (n - m)), np.inf)
    return np.asarray(rows[open_][order[: int(np.argmin(value))]])


def _positives_of_answers(share: Share, pairs: Pairs, rows: Places, terms: Terms, sign: float) -> Places:
    weights = np.ones(len(rows)) if pairs.weights is None else pairs.weights[rows]
    said = [answers(scores[rows], terms) for scores in (pairs.champion, pairs.challenger)]
    positive = weights * (pairs.labels[rows] == 1)
    open_ = np.flatnonzero(pairs.unlabelled[rows])
    # Rows that both models answer alike are alike: there are four kinds.
    kinds = (said[0] + 2 * said[1])[open_].astype(np.int64)
    counts = np.bincount(kinds, minlength=4)
    m = positive.sum() + np.arange(len(open_) + 1, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        first, second = (share(m, float((weights * one).sum())) for one in said)
        each = sign * np.stack([np.zeros_like(m), -first, second, second - first], axis=1)
        value = sign * (second * (positive * said[1]).sum() - first * (positive * said[0]).sum())
        order = np.argsort(each, axis=1, kind="stable")
        before = np.cumsum(counts[order], axis=1) - counts[order]
        taken = np.clip(np.arange(len(m))[:, None] - before, 0, counts[order])
        value += (np.take_along_axis(each, order, axis=1) * taken).sum(axis=1)
    if np.isnan(value).all():
        return rows[:0]
    best = int(np.nanargmin(value))
    chosen = [open_[kinds == kind][: taken[best, place]] for place, kind in enumerate(order[best])]
    return np.asarray(rows[np.concatenate(chosen)])
