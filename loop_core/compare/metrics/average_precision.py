"""Average precision: the area under precision over recall, by steps, as scikit-learn has it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from loop_core.compare.estimate import MIN_UNITS, NotEstimable, made
from loop_core.compare.groups import Grouping
from loop_core.compare.interval import intervals
from loop_core.compare.metrics.kind import Found
from loop_core.compare.metrics.pairs import Pairs, Terms
from loop_core.compare.metrics.ranks import Ranked
from loop_core.compare.metrics.sums import witnesses
from loop_core.vocabulary import Task

Floats = npt.NDArray[np.float64]
#: Rows that the rarer class must have.
LEAST = 30


class AveragePrecision:
    """Mean over the positives of the precision at their score; interval by the influence function.

    Source: Boyd, Eng & Page 2013 for its estimators; the influence function is the derivative of the step-wise sum.
    """

    name, words, more_is_better = "average_precision", "average precision", True
    tasks = (Task.BINARY,)

    def estimates(self, pairs: Pairs, grouping: Grouping, terms: Terms) -> list[Found]:
        """One entry a group. See `MetricKind`."""
        return _estimates(pairs, grouping)


def _estimates(pairs: Pairs, grouping: Grouping) -> list[Found]:
    positive, blocks = pairs.labels > 0.5, grouping.blocks(pairs.units)
    (first, of_first), (second, of_second) = (_of_one(found, positive, grouping) for found in pairs.ranked(grouping))
    m = grouping.sums(positive.astype(np.float64))
    rarer = np.minimum(m, grouping.sizes - m)
    entities = np.minimum(*(witnesses(side.astype(np.float64), blocks) for side in (positive, ~positive)))
    usable = (rarer >= LEAST) & (entities >= MIN_UNITS)
    difference = np.where(usable, second - first, 0.0)
    influence = np.where(grouping.spread(usable), of_second - of_first, 0.0)
    at = intervals(difference, influence, grouping, blocks)
    found: list[Found] = []
    for k, n in enumerate(grouping.sizes.astype(int)):
        if usable[k]:
            numbers = tuple(x[k] for x in (first, second, difference, at.se, at.low, at.high))
            found.append(made(int(n), numbers, at.methods[k]))
            continue
        reason = f"{int(rarer[k])} rows of the rarer class; an interval needs {LEAST}"
        if rarer[k] >= LEAST:
            reason = f"rows of one class of only {int(entities[k])} entities; an interval needs {MIN_UNITS}"
        found.append(NotEstimable(int(n), reason, *((first[k], second[k]) if m[k] else (None, None))))
    return found


def _of_one(found: Ranked, positive: npt.NDArray[np.bool_], grouping: Grouping) -> tuple[Floats, Floats]:
    """((g,) average precision, (n,) what each row adds to its error, times the rows of its group).

    With N rows scored at or above a positive, T positives of them and precision P = T/N, one more row scored above adds
    (y − P)/N to it; a row's influence is the sum of that over the positives at or below it, and for a positive its own P
    besides.
    """
    last = np.append(found.first[1:], len(positive))
    with np.errstate(divide="ignore", invalid="ignore"):
        at_or_above = (last[found.group] - found.starts).astype(np.float64)
        precision = (found.above + found.inside) / at_or_above
        value = np.bincount(found.group, found.inside * precision, grouping.count) / found.positives
        helps = found.running(found.inside / at_or_above)
        hurts = found.running(found.inside * precision / at_or_above)
        gained = found.scattered(precision - value[found.group] + helps)
        rows = np.where(positive, gained, 0.0) - found.scattered(hurts)
        return value, rows * grouping.spread(grouping.sizes / found.positives)
