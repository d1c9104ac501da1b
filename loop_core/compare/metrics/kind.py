"""What every metric is: a name with a unit and a direction, and a way to estimate two models in many groups."""

from __future__ import annotations

from typing import Protocol

from loop_core.compare.estimate import Estimate, NotEstimable
from loop_core.compare.groups import Grouping
from loop_core.compare.metrics.pairs import Pairs, Terms
from loop_core.vocabulary import Task

Found = Estimate | NotEstimable


class MetricKind(Protocol):
    """One metric of two models on the same rows. A new one is one file with one of these, and its line in `METRICS`."""

    @property
    def name(self) -> str:
        """As the charter calls it."""

    @property
    def words(self) -> str:
        """As people call it, e.g. `log loss`."""

    @property
    def tasks(self) -> tuple[Task, ...]:
        """Tasks of which it says something."""

    @property
    def more_is_better(self) -> bool:
        """Direction of its value. Differences are always signed so that up is good."""

    def estimates(self, pairs: Pairs, grouping: Grouping, terms: Terms) -> list[Found]:
        """One entry a group."""
