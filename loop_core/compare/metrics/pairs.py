"""The rows of a comparison, and what the charter says that a metric needs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from loop_core.charter import Charter
from loop_core.monitor.units import Units

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]


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

    def take(self, rows: Places) -> Pairs:
        """The rows at these places."""
        return Pairs(self.labels[rows], self.champion[rows], self.challenger[rows], self.units.take(rows))

    @cached_property
    def orders(self) -> tuple[Places, Places]:
        """Places of the rows by the champion's score, and by the challenger's, lowest first. One sort serves every metric
        of ranks in every cohort."""
        return np.argsort(self.champion, kind="stable"), np.argsort(self.challenger, kind="stable")

    def __len__(self) -> int:
        return len(self.labels)


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
            threshold=charter.threshold if charter.threshold is not None else 0.5,
            false_alarm=costs.false_alarm if costs else 1.0,
            miss=costs.miss if costs else 1.0,
            quantile=declared.quantile if declared and declared.quantile is not None else 0.5,
        )
