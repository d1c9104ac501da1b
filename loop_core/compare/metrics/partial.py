"""Metrics of rows of which some have no label, or stand for others: bounds over the labels, and what takes no weights."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from loop_core.compare.estimate import MIN_UNITS, NotEstimable
from loop_core.compare.groups import Grouping
from loop_core.compare.metrics.kind import Found, MetricKind
from loop_core.compare.metrics.pairs import Pairs, Terms
from loop_core.compare.metrics.sums import SumMetric, mean_itself
from loop_core.compare.metrics.worst import extreme_labels

Bools = npt.NDArray[np.bool_]
_NOT_BOUNDED = "what labels that are missing could do to it is not known"
_NOT_WEIGHTED = "no row is due; it cannot be told from a weighted sample"


def partial_estimates(kind: MetricKind, pairs: Pairs, grouping: Grouping, terms: Terms) -> list[Found]:
    """One entry a group, like `kind.estimates`, of any rows.

    A row without label (NaN) may have any: the interval reaches from the lower end under the labels worst for the
    challenger to the upper end under those best for it (Horowitz & Manski 2000), so that what lies wholly on one side
    does so whatever the labels are. Rows of a sample count by their weights, where the metric is made of sums (Hájek
    1971); any other metric is told from the rows that stand for themselves, and so is one that is no mean over rows where a
    row of the sample has no label, because bounds count the others one by one.
    """
    if pairs.weights is None:
        return _of_any_label(kind, pairs, grouping, terms)
    waits = bool((pairs.unlabelled & ~pairs.is_due).any())
    if not isinstance(kind, SumMetric) or (waits and kind.of is not mean_itself):
        return _of_part(
            # Not those of weight 1: what was sure to be drawn is no fair sample by itself.
            pairs, grouping, pairs.is_due, _NOT_WEIGHTED,
            lambda some, groups: _of_any_label(kind, replace(some, weights=None), groups, terms),
        )  # fmt: skip
    effective = grouping.sums(pairs.weights) ** 2 / grouping.sums(pairs.weights**2)
    found = _of_any_label(kind, pairs, grouping, terms)
    return [_of_sample(one, float(size)) for one, size in zip(found, effective, strict=True)]


def _of_sample(found: Found, effective: float) -> Found:
    if isinstance(found, NotEstimable):
        return found
    # Not a number where weights leave the range of numbers.
    if not effective >= MIN_UNITS:
        few = f"the sample is worth {effective:.0f} rows that all count alike; an interval needs {MIN_UNITS}"
        return NotEstimable(found.n, few, found.champion, found.challenger)
    return replace(found, n_effective=effective, method=f"{found.method}, weighted: worth {effective:,.0f} rows")


def _of_any_label(kind: MetricKind, pairs: Pairs, grouping: Grouping, terms: Terms) -> list[Found]:
    missing = pairs.unlabelled
    if not missing.any():
        return kind.estimates(pairs, grouping, terms)
    known = _of_part(
        pairs, grouping, ~missing, "no row has a label", lambda some, groups: kind.estimates(some, groups, terms)
    )
    open_, sizes = grouping.sums(missing.astype(np.float64)) > 0, grouping.sizes.astype(int)
    extremes = extreme_labels(kind, pairs, grouping, terms)
    if extremes is None:
        return [
            NotEstimable(int(n), _NOT_BOUNDED, one.champion, one.challenger) if moved else one
            for one, moved, n in zip(known, open_, sizes, strict=True)
        ]
    low, high = (kind.estimates(pairs.labelled(labels), grouping, terms) for labels in extremes)
    return [
        _hull(one, worst, best) if moved else one
        for one, worst, best, moved in zip(known, low, high, open_, strict=True)
    ]


def _hull(known: Found, worst: Found, best: Found) -> Found:
    """The estimate of the labels that are known, with an interval that holds whatever the others are."""
    if isinstance(known, NotEstimable) or isinstance(worst, NotEstimable) or isinstance(best, NotEstimable):
        why = next(one.reason for one in (known, worst, best) if isinstance(one, NotEstimable))
        return NotEstimable(worst.n, why, known.champion, known.challenger)
    return replace(
        known,
        n=worst.n,
        se=max(worst.se, best.se),
        ci_low=min(worst.ci_low, known.difference),
        ci_high=max(best.ci_high, known.difference),
        bound_low=worst.difference,
        bound_high=best.difference,
        method=f"{worst.method}, whatever the missing labels are",
    )


def _of_part(
    pairs: Pairs, grouping: Grouping, rows: Bools, why: str, estimate: Callable[[Pairs, Grouping], list[Found]]
) -> list[Found]:
    """The estimates of some of the rows; a group that has none of them has none."""
    places = np.flatnonzero(rows)
    sizes = grouping.sizes.astype(int)
    if not len(places):
        return [NotEstimable(int(n), why) for n in sizes]
    present, codes = np.unique(grouping.codes[places], return_inverse=True)
    groups = replace(grouping, values=tuple(grouping.values[k] for k in present), codes=codes.astype(np.intp))
    found = dict(zip(present.tolist(), estimate(pairs.take(places), groups), strict=True))
    return [found.get(k, NotEstimable(int(n), why)) for k, n in enumerate(sizes)]
