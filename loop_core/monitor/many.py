"""Metrics of many groups of rows in one pass: rows of one entity count as one witness."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from loop_core.errors import UnknownNameError
from loop_core.monitor.grouping import Grouping, LabelledRows
from loop_core.monitor.groups import Group
from loop_core.monitor.losses import ROW_LOSSES, of_mean
from loop_core.monitor.measure import METRICS, Measured
from loop_core.monitor.roc import MIN_CLASS_ROWS

Floats = npt.NDArray[np.float64]

#: Fewer rows, or entities where they repeat, give no interval that deserves the name.
MIN_UNITS = 10


def measure_many(metrics: Sequence[str], grouping: Grouping) -> list[dict[str, Measured | None]]:
    """For each group, metric → value with its error; None: not to be told from its rows.

    Raises:
        UnknownNameError: not one of `METRICS`.
    """
    for name in metrics:
        if name not in METRICS:
            raise UnknownNameError("metric", name, METRICS)
    enough = np.minimum(grouping.sizes, grouping.unit_counts) >= MIN_UNITS
    several = grouping.rows.scores.ndim == 2
    aucs = _macro_aucs if several else _aucs
    with np.errstate(divide="ignore", invalid="ignore"):
        columns = {name: (aucs(grouping) if name == "auc" else _means(name, grouping)).tolist() for name in metrics}
    return [
        {name: _told(column[k]) if enough[k] else None for name, column in columns.items()}
        for k in range(grouping.count)
    ]


def measure(metrics: Sequence[str], group: Group) -> dict[str, Measured | None]:
    """Metric → value over the labelled rows of one group; None: not to be told from these rows."""
    order = np.argsort(group.scores) if group.scores.ndim == 1 else np.arange(group.n)
    entities = None if group.entities is None else group.entities[order]
    rows = LabelledRows(group.scores[order], group.labels[order], entities)
    return measure_many(metrics, Grouping(rows, np.zeros(group.n, dtype=np.int64), 1))[0]


def _told(row: tuple[float, float, float]) -> Measured | None:
    return None if any(value != value for value in row) else Measured(*row)


def _means(metric: str, grouping: Grouping) -> Floats:
    """(k, 3) metric of a row loss's mean, clustered error, degrees of freedom; the error by the delta method.

    Source: Liang & Zeger 1986.
    """
    losses = ROW_LOSSES[metric](grouping.rows.labels, grouping.rows.scores)
    means = grouping.sums(losses) / grouping.sizes
    values, slopes = of_mean(metric, means)
    errors = _clustered(grouping, losses - means[grouping.groups]) * np.abs(slopes)
    return np.column_stack([values, errors, grouping.unit_counts - 1])


def _clustered(grouping: Grouping, centred: Floats) -> Floats:
    """(k,) standard error of each group's mean, with the factor G/(G−1) for G units."""
    count = grouping.unit_counts
    return np.asarray(np.sqrt(grouping.squares(grouping.unit_sums(centred)) * count / (count - 1)) / grouping.sizes)


def _macro_aucs(grouping: Grouping) -> Floats:
    """(k, 3) mean over classes of the AUC of this class against the rest, its error, degrees of freedom; nan where a
    class, or its rest, has under 10 rows. What a row does to each class's AUC is added up before it is squared.

    Source: Hand & Till 2001 for several classes; Sen 1960 for the error.
    """
    rows, n_classes = grouping.rows, grouping.rows.scores.shape[1]
    total, influence = np.zeros(grouping.count), np.zeros(len(grouping.groups))
    for k in range(n_classes):
        order = np.argsort(rows.scores[:, k], kind="stable")
        entities = None if rows.entities is None else rows.entities[order]
        mine = LabelledRows(rows.scores[order, k], (rows.labels[order] == k).astype(np.float64), entities)
        classes = _Classes(Grouping(mine, grouping.groups[order], grouping.count))
        few = np.minimum(*classes.sizes) < MIN_CLASS_ROWS
        aucs = np.where(few, np.nan, classes.aucs)
        side = np.where(classes.positive, *(size[classes.grouping.groups] for size in classes.sizes))
        total += aucs / n_classes
        influence[order] += (classes.placed - aucs[classes.grouping.groups]) / side / n_classes
    errors = _clustered(grouping, influence) * grouping.sizes
    return np.column_stack([total, errors, grouping.unit_counts - 1])


def _aucs(grouping: Grouping) -> Floats:
    """(k, 3) AUC, its error, degrees of freedom; nan where a class has under 10 rows, or all of them are one entity's.

    Source: DeLong, DeLong & Clarke-Pearson 1988; Obuchowski 1997 for clustered rows; see `roc`.
    """
    classes = _Classes(grouping)
    aucs = classes.aucs
    centred = classes.placed - aucs[grouping.groups]
    told = classes.independent(centred)
    repeats = grouping.unit_counts < grouping.sizes
    if repeats.any():
        told = np.where(repeats[:, None], classes.clustered(centred), told)
    few = np.minimum(*classes.sizes) < MIN_CLASS_ROWS
    return np.column_stack([np.where(few, np.nan, aucs), told])


class _Classes:
    """The positives and the negatives of each group."""

    def __init__(self, grouping: Grouping) -> None:
        self.grouping = grouping
        self.positive = grouping.rows.labels > 0.5
        positives = grouping.sums(self.positive.astype(np.float64))
        self.sizes = positives, grouping.sizes - positives
        self.placed = self._placements()
        self.aucs: Floats = grouping.sums(self.placed * self.positive) / self.sizes[0]

    @property
    def sides(self) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
        return self.positive, ~self.positive

    def _placements(self) -> Floats:
        """(n,) share of the other class in its group that each row is told from, ties counted half (Sun & Xu 2014)."""
        order = self.grouping.by_score
        group, score, positive = self.grouping.groups[order], self.grouping.rows.scores[order], self.positive[order]
        first = np.flatnonzero(np.r_[True, (score[1:] != score[:-1]) | (group[1:] != group[:-1])][: len(order)])
        last = np.r_[first[1:], len(order)]
        ties = np.repeat(np.arange(len(first)), last - first)
        known, begins = np.r_[0, np.cumsum(positive)], np.cumsum(self.grouping.sizes) - self.grouping.sizes
        begin = begins[group[first]]
        below = (known[first] + known[last]) / 2 - known[begin]
        lower = (first + last) / 2 - begin - below
        m, k = (size[group] for size in self.sizes)
        placed = np.empty(len(order))
        placed[order] = np.where(positive, lower[ties] / k, (m - below[ties]) / m)
        return placed

    def independent(self, centred: Floats) -> Floats:
        """(k, 2) error and degrees of freedom by Welch and Satterthwaite, of rows that are units of their own."""
        parts = [
            (self.grouping.sums(centred**2 * side) / (size - 1) / size, size)
            for side, size in zip(self.sides, self.sizes, strict=True)
        ]
        return _together(parts[0][0] + parts[1][0], parts)

    def clustered(self, centred: Floats) -> Floats:
        """(k, 2) the same over entities; nan where all rows of a class are one entity's."""
        weighted = centred / np.where(self.positive, *(size[self.grouping.groups] for size in self.sizes))
        sums = [self.grouping.unit_sums(weighted * side) for side in self.sides]
        owners = self.grouping.units[1]
        counts = [
            np.bincount(
                owners[self.grouping.unit_sums(side.astype(np.float64)) > 0], minlength=self.grouping.count
            ).astype(np.float64)
            for side in self.sides
        ]
        low = np.minimum(*counts)
        whole = self.grouping.squares(sums[0] + sums[1]) * low / (low - 1)
        parts = [(self.grouping.squares(s) * g / (g - 1), g) for s, g in zip(sums, counts, strict=True)]
        return np.where((low < 2)[:, None], np.nan, _together(whole, parts))


def _together(variance: Floats, parts: Sequence[tuple[Floats, Floats]]) -> Floats:
    (a, m), (b, k) = parts
    spread = a * a / (m - 1) + b * b / (k - 1)
    freedom = np.where(spread > 0, (a + b) ** 2 / spread, m + k - 2)
    return np.column_stack([np.sqrt(variance), freedom])
