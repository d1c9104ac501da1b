"""Area under the ROC curve: paired difference by DeLong's components, of all groups at once."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from loop_core.compare.estimate import CONFIDENCE, MIN_UNITS, NotEstimable, made
from loop_core.compare.groups import Blocks, Grouping
from loop_core.compare.interval import intervals
from loop_core.compare.metrics.kind import Found
from loop_core.compare.metrics.pairs import Pairs, Terms
from loop_core.compare.metrics.ranks import Ranked, by_score, ranked
from loop_core.compare.metrics.sums import witnesses
from loop_core.monitor.roc import MIN_CLASS_ROWS
from loop_core.vocabulary import Task

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


class Auc:
    """Probability that a positive scores above a negative; of several classes the mean over classes, each against the rest.

    Two classes: DeLong's paired variance, clustered where entities repeat (Obuchowski 1997), with Student's quantile at
    Welch's degrees of freedom over the two classes. Several: what a row does to the area of each class is added up before
    it is squared, so that classes may go together; the value is that of scikit-learn's `roc_auc_score` with `ovr` and
    `macro`.

    Source: DeLong, DeLong & Clarke-Pearson 1988; Sun & Xu 2014 for mid-ranks.
    """

    name, words, more_is_better = "auc", "AUC", True
    tasks = (Task.BINARY, Task.MULTICLASS)

    def estimates(self, pairs: Pairs, grouping: Grouping, terms: Terms) -> list[Found]:
        """One entry a group. See `MetricKind`."""
        return (_several_classes if pairs.champion.ndim == 2 else _two_classes)(pairs, grouping)


def placements(found: Ranked, positive: Bools, grouping: Grouping) -> tuple[Floats, Floats]:
    """((g,) areas, (n,) the share of the other class in its group that each row is on the right side of).

    A group of one class has no area: NaN.
    """
    negatives = grouping.sizes - found.positives
    below = (found.starts + found.ends) / 2 - found.first[found.group] - found.positives[found.group]
    below = below + found.above + found.inside / 2  # negatives below, half of those in the tie
    with np.errstate(divide="ignore", invalid="ignore"):
        right = np.where(
            positive,
            found.scattered(below / negatives[found.group]),
            found.scattered((found.above + found.inside / 2) / found.positives[found.group]),
        )
        return grouping.sums(np.where(positive, right, 0.0)) / found.positives, right


def _two_classes(pairs: Pairs, grouping: Grouping) -> list[Found]:
    from scipy.special import stdtrit

    positive, blocks = pairs.labels > 0.5, grouping.blocks(pairs.units)
    (first, right1), (second, right2) = (placements(found, positive, grouping) for found in pairs.ranked(grouping))
    difference, gains = second - first, right2 - right1
    with np.errstate(divide="ignore", invalid="ignore"):
        se, freedom, entities = _error(gains - grouping.spread(difference), positive, grouping, blocks)
        half = stdtrit(freedom, (1 + CONFIDENCE) / 2) * se
    m = grouping.sums(positive.astype(np.float64))
    found: list[Found] = []
    for k, n in enumerate(grouping.sizes.astype(int)):
        reason = _reason(int(m[k]), int(n), blocks, k, entities[k])
        if reason:
            values = (first[k], second[k]) if 0 < m[k] < n else (None, None)
            found.append(NotEstimable(int(n), reason, *values))
            continue
        low, high, method = difference[k] - half[k], difference[k] + half[k], _method(blocks, k, int(m[k]), int(n))
        numbers = (first[k], second[k], difference[k], se[k], low, high)
        found.append(made(int(n), numbers, method))
    return found


def _error(gains: Floats, positive: Bools, grouping: Grouping, blocks: Blocks) -> tuple[Floats, Floats, Floats]:
    """((g,) standard error, (g,) degrees of freedom, (g,) units that the class with fewer of them has)."""
    sides = (positive, ~positive)
    rows = [grouping.sums(side.astype(np.float64)) for side in sides]
    shares = [np.where(side, gains / grouping.spread(count), 0.0) for side, count in zip(sides, rows, strict=True)]
    if blocks.codes is None:
        variances = [
            grouping.sums(share * share) * count / (count - 1) for share, count in zip(shares, rows, strict=True)
        ]
        total, counts = variances[0] + variances[1], rows
        squared = total
    else:
        seen = [(blocks.sums(side.astype(np.float64)) > 0).astype(np.float64) for side in sides]
        counts = [blocks.total(there) for there in seen]
        variances = [
            blocks.total(blocks.sums(share) ** 2) * count / (count - 1)
            for share, count in zip(shares, counts, strict=True)
        ]
        low = np.minimum(*counts)
        squared = blocks.total(blocks.sums(shares[0] + shares[1]) ** 2) * low / (low - 1)
        total = variances[0] + variances[1]
    # Welch: the class with fewer witnesses decides how sure one is.
    spread = variances[0] ** 2 / (counts[0] - 1) + variances[1] ** 2 / (counts[1] - 1)
    freedom = np.where(spread > 0, total**2 / np.where(spread > 0, spread, 1), counts[0] + counts[1] - 2)
    return np.sqrt(squared), np.maximum(freedom, 1.0), np.minimum(*counts)


def _reason(m: int, n: int, blocks: Blocks, k: int, entities: float) -> str:
    if m in (0, n):
        return f"all {n:,} labels are {int(m == n)}; a ranking needs both classes"
    if min(m, n - m) < MIN_CLASS_ROWS:
        return f"{min(m, n - m)} rows of the rarer class; an interval needs {MIN_CLASS_ROWS}"
    if blocks.codes is not None and blocks.counts[k] < MIN_UNITS:
        return f"{int(blocks.counts[k])} entities; an interval needs {MIN_UNITS}"
    if entities < MIN_CLASS_ROWS:
        # Of two entities the spread may be next to nothing by chance, and then nothing says how few they are.
        return f"rows of one class of only {int(entities)} entities; an interval needs {MIN_CLASS_ROWS}"
    return ""


def _method(blocks: Blocks, k: int, m: int, n: int) -> str:
    if blocks.codes is not None:
        return f"DeLong, clustered by {int(blocks.counts[k]):,} entities"
    return f"DeLong, {m:,} positives and {n - m:,} negatives"


def _several_classes(pairs: Pairs, grouping: Grouping) -> list[Found]:
    blocks, n_classes = grouping.blocks(pairs.units), pairs.champion.shape[1]
    rarest, entities = np.full(grouping.count, np.inf), np.full(grouping.count, np.inf)
    values, influences = [], []
    for scores in (pairs.champion, pairs.challenger):
        area, influence = np.zeros(grouping.count), np.zeros(len(pairs))
        for c in range(n_classes):
            mine = pairs.labels == c
            m = grouping.sums(mine.astype(np.float64))
            rarest = np.minimum(rarest, np.minimum(m, grouping.sizes - m))
            entities = np.minimum(entities, witnesses(mine.astype(np.float64), blocks))
            rows = by_score(np.ascontiguousarray(scores[:, c]))
            found, right = placements(ranked(rows, mine, grouping), mine, grouping)
            with np.errstate(divide="ignore", invalid="ignore"):
                others = np.where(mine, grouping.spread(m), grouping.spread(grouping.sizes - m))
                part = (right - grouping.spread(found)) / others
            area, influence = area + found / n_classes, influence + part / n_classes
        values.append(area)
        influences.append(influence * grouping.spread(grouping.sizes))
    usable = (rarest >= MIN_CLASS_ROWS) & (blocks.counts >= MIN_UNITS) & (entities >= MIN_CLASS_ROWS)
    difference = np.where(usable, values[1] - values[0], 0.0)
    gap = np.where(grouping.spread(usable), influences[1] - influences[0], 0.0)
    found_at = intervals(difference, gap, grouping, blocks)
    result: list[Found] = []
    for k, n in enumerate(grouping.sizes.astype(int)):
        if usable[k]:
            numbers = (values[0][k], values[1][k], difference[k], found_at.se[k], found_at.low[k], found_at.high[k])
            result.append(made(int(n), numbers, f"{found_at.methods[k]}, {n_classes} classes"))
        elif rarest[k] < MIN_CLASS_ROWS:
            result.append(
                NotEstimable(int(n), f"{int(rarest[k])} rows of the rarest class; an interval needs {MIN_CLASS_ROWS}")
            )
        elif blocks.counts[k] < MIN_UNITS:
            result.append(NotEstimable(int(n), f"{int(blocks.counts[k])} {blocks.name}; an interval needs {MIN_UNITS}"))
        else:
            few = f"the rarest class has rows of {int(entities[k])} entities; an interval needs {MIN_CLASS_ROWS}"
            result.append(NotEstimable(int(n), few))
    return result
