"""The rows of a comparison, and what the charter says that a metric needs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from loop_core.charter import Charter
from loop_core.compare.groups import Grouping
from loop_core.compare.metrics.ranks import Ranked, Sorted, by_score, ranked
from loop_core.monitor.units import Units

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Terms:
    """What the charter says that a metric needs beside labels and scores."""

    threshold: float = 0.5
    """From this probability on the answer is yes."""
    false_alarm: float = 1.0
    """Cost of a wrong yes."""
    miss: float = 1.0
    """Cost of a wrong no."""
    quantile: float = 0.5
    """Which quantile a predicted number is held to be, in (0, 1)."""

    @classmethod
    def of(cls, charter: Charter, metric: str) -> Terms:
        """The terms of one declared metric."""
        declared = next((m for m in charter.metrics if m.name == metric), None)
        costs = charter.costs
        return cls(
            threshold=charter.operating_point,
            false_alarm=costs.false_alarm if costs else 1.0,
            miss=costs.miss if costs else 1.0,
            quantile=declared.quantile if declared and declared.quantile is not None else 0.5,
        )


#: (labels, scores, terms) → (k, n): what each row adds to each of k sums.
Rows = Callable[[Floats, Floats, Terms], Floats]


@dataclass(frozen=True)
class Pairs:
    """The rows of a comparison, as arrays of one length n."""

    labels: Floats
    """(n,) 0 or 1, the number of the class, or the number that came; NaN: no label came."""
    champion: Floats
    """(n,) probabilities in [0, 1] or predicted numbers; (n, n_classes) probabilities of several classes."""
    challenger: Floats
    """Likewise."""
    units: Units
    weights: Floats | None = None
    """(n,) how many rows each stands for: 1, or of a random sample the inverse of its probability; None: each for itself."""
    due: npt.NDArray[np.bool_] | None = None
    """(n,) rows that are due, and so not there because a sample drew them; None: all where there are no weights, else
    those of weight 1."""

    def take(self, rows: Places) -> Pairs:
        """The rows at these places."""
        weights = None if self.weights is None else self.weights[rows]
        due = None if self.due is None else self.due[rows]
        return Pairs(self.labels[rows], self.champion[rows], self.challenger[rows], self.units.take(rows), weights, due)

    def labelled(self, labels: Floats) -> Pairs:
        """The same rows with other labels."""
        found = Pairs(labels, self.champion, self.challenger, self.units, self.weights, self.due)
        # Ranks of scores do not depend on labels.
        if "by_score" in self.__dict__:
            found.__dict__["by_score"] = self.by_score
        return found

    @cached_property
    def unlabelled(self) -> npt.NDArray[np.bool_]:
        """(n,) rows that have no label."""
        return np.isnan(self.labels)

    @property
    def is_due(self) -> npt.NDArray[np.bool_]:
        """(n,) rows that stand for themselves and for no part of a sample."""
        if self.due is not None:
            return self.due
        return np.ones(len(self), dtype=bool) if self.weights is None else self.weights == 1

    def shares(self, grouping: Grouping) -> Floats | None:
        """(n,) weights that add up to the rows of each group; None: every row counts as one."""
        if self.weights is None:
            return None
        return self.weights * grouping.spread(grouping.sizes / grouping.sums(self.weights))

    @cached_property
    def by_score(self) -> tuple[Sorted, Sorted]:
        """The rows by the champion's score, and by the challenger's: one sort serves every cohort."""
        return by_score(self.champion), by_score(self.challenger)

    def ranked(self, grouping: Grouping) -> tuple[Ranked, Ranked]:
        """Both models' ranks within groups, positives being labels of 1; kept until another grouping is asked for."""
        if self._kept.get("grouping") is not grouping:
            positive = self.labels > 0.5
            self._kept["ranked"] = tuple(ranked(one, positive, grouping) for one in self.by_score)
            self._kept["grouping"] = grouping
        found: tuple[Ranked, Ranked] = self._kept["ranked"]
        return found

    def rows(self, metric: str, terms: Terms, made: Rows) -> tuple[Floats, Floats]:
        """Both models' (k, n) row values of a metric, made once for all groupings."""
        key = (metric, terms)
        if key not in self._kept:
            self._kept[key] = tuple(made(self.labels, scores, terms) for scores in (self.champion, self.challenger))
        found: tuple[Floats, Floats] = self._kept[key]
        return found

    @cached_property
    def _kept(self) -> dict[Any, Any]:
        return {}

    def __len__(self) -> int:
        return len(self.labels)
