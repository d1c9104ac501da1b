"""Every row's place among the rows of its group by a score, ties counted as ties: what metrics of ranks are made of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from loop_core.compare.groups import Grouping

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Ranked:
    """The rows of each group by score, cut into ties: runs of one group and one score, the lowest first."""

    places: Places
    """(n,) places of the rows in this order."""
    starts: Places
    """(t,) where each tie begins …"""
    ends: Places
    """(t,) … and ends, exclusive."""
    group: Places
    """(t,) its group."""
    first: Places
    """(g,) where each group begins."""
    above: Floats
    """(t,) positives of the group above the tie."""
    inside: Floats
    """(t,) positives in the tie."""
    positives: Floats
    """(g,) positives of the group."""

    def scattered(self, values: Floats) -> Floats:
        """(n,) a tie's value for each of its rows, in the order of the rows."""
        out = np.empty(len(self.places))
        each = values if len(values) == len(out) else np.repeat(values, self.ends - self.starts)
        out[self.places] = each
        return out

    def running(self, values: Floats) -> Floats:
        """(t,) sum over the ties of the group up to this one and with it."""
        total = np.cumsum(values)
        tie_of_group = np.searchsorted(self.starts, self.first)
        before = np.where(tie_of_group > 0, total[tie_of_group - 1], 0.0)
        return np.asarray(total - before[self.group])


@dataclass(frozen=True)
class Sorted:
    """All rows by a score."""

    order: Places
    """(n,) places of the rows, lowest score first."""
    tie: npt.NDArray[np.int32]
    """(n,) in that order: number of the run of equal scores."""


def by_score(scores: Floats) -> Sorted:
    """Rows by their score, ties together.

    >>> by_score(np.array([0.5, 0.1, 0.5])).tie.tolist()
    [0, 1, 1]
    """
    order = np.argsort(scores, kind="stable")
    values = scores[order]
    return Sorted(order, np.concatenate([[0], np.cumsum(values[1:] != values[:-1], dtype=np.int32)]).astype(np.int32))


def ranked(rows: Sorted, positive: npt.NDArray[np.bool_], grouping: Grouping) -> Ranked:
    """Ranks of all groups in one go.

    Args:
        rows: all n of them.
        positive: (n,) the rows that should be on top.
        grouping: no group is empty.
    """
    places, tie, hits = rows.order, rows.tie, positive[rows.order]
    if grouping.count > 1:
        # Small integers are sorted by radix, in a tenth of the time; the rows of a group stay in the order of their scores.
        move = np.argsort(grouping.small[rows.order], kind="stable")
        places, tie, hits = places[move], tie[move], hits[move]
    first = np.concatenate([[0], np.cumsum(grouping.sizes)[:-1]]).astype(np.int64)
    fresh = np.concatenate([[True], tie[1:] != tie[:-1]])
    fresh[first] = True
    starts = np.flatnonzero(fresh)
    ends, last = np.append(starts[1:], len(places)), np.append(first[1:], len(places))
    group = np.repeat(np.arange(grouping.count), np.diff(np.searchsorted(starts, np.append(first, len(places)))))
    known = np.concatenate([[0], np.cumsum(hits, dtype=np.int32)])
    inside = (known[ends] - known[starts]).astype(np.float64)
    above = (known[last][group] - known[ends]).astype(np.float64)
    return Ranked(places, starts, ends, group, first, above, inside, (known[last] - known[first]).astype(np.float64))
