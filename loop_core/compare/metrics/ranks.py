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
        out[self.places] = np.repeat(values, self.ends - self.starts)
        return out

    def running(self, values: Floats) -> Floats:
        """(t,) sum over the ties of the group up to this one and with it."""
        total = np.cumsum(values)
        tie_of_group = np.searchsorted(self.starts, self.first)
        before = np.where(tie_of_group > 0, total[tie_of_group - 1], 0.0)
        return np.asarray(total - before[self.group])


def ranked(scores: Floats, order: Places, positive: npt.NDArray[np.bool_], grouping: Grouping) -> Ranked:
    """Ranks of all groups in one go.

    Args:
        scores: (n,) any real scores.
        order: (n,) places of the rows by score, lowest first.
        positive: (n,) the rows that should be on top.
        grouping: no group is empty.
    """
    places = grouping.sort(order)
    values, codes = scores[places], grouping.codes[places]
    fresh = np.concatenate([[True], (values[1:] != values[:-1]) | (codes[1:] != codes[:-1])])
    starts = np.flatnonzero(fresh)
    ends = np.append(starts[1:], len(places))
    group, known = codes[starts], np.concatenate([[0], np.cumsum(positive[places])])
    first = np.concatenate([[0], np.cumsum(grouping.sizes)[:-1]]).astype(np.int64)
    last = np.append(first[1:], len(places))
    inside = (known[ends] - known[starts]).astype(np.float64)
    above = (known[last][group] - known[ends]).astype(np.float64)
    return Ranked(places, starts, ends, group, first, above, inside, (known[last] - known[first]).astype(np.float64))
