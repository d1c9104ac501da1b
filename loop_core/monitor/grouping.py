"""Labelled rows in groups, for sums over all groups at once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class LabelledRows:
    """Labelled rows; those of one score by rising score within each group they will be put into."""

    scores: Floats
    """(n,), or (n, n_classes)."""
    labels: Floats
    """(n,) 0 or 1, the number of the class, or the number that came."""
    entities: npt.NDArray[np.uint64] | None
    """(n,) code of the entity, 0 where unknown; None: no row has one."""

    @cached_property
    def by_entity(self) -> Ints:
        """(n,) places by entity."""
        return np.argsort(self.entities) if self.entities is not None else np.arange(len(self.labels))


@dataclass(frozen=True)
class Grouping:
    """Which rows are in which group, and which of a group's rows belong together."""

    rows: LabelledRows
    groups: Ints
    """(n,) number of each row's group."""
    count: int
    """Groups, k."""

    @cached_property
    def sizes(self) -> Ints:
        """(k,) rows of each group."""
        return np.bincount(self.groups, minlength=self.count)

    @cached_property
    def units(self) -> tuple[Ints, Ints]:
        """(n,) number of each row's unit; (u,) group of each unit. A unit is one entity's rows in a group, or a row of
        no entity."""
        if self.rows.entities is None:
            return np.arange(len(self.groups)), self.groups
        order = self._by_group(self.rows.by_entity)
        group, entity = self.groups[order], self.rows.entities[order]
        first = np.ones(len(order), dtype=bool)
        first[1:] = (group[1:] != group[:-1]) | (entity[1:] != entity[:-1]) | (entity[1:] == 0)
        codes = np.empty(len(order), dtype=np.int64)
        codes[order] = np.cumsum(first) - 1
        return codes, group[first]

    @cached_property
    def unit_counts(self) -> Ints:
        """(k,) units of each group."""
        return np.bincount(self.units[1], minlength=self.count)

    @cached_property
    def by_score(self) -> Ints:
        """(n,) places group by group, by rising score in each."""
        return self._by_group(np.arange(len(self.groups)))

    def _by_group(self, order: Ints) -> Ints:
        """Places in a given order, group by group. Few groups fit 16 bits, which sort without being compared."""
        groups = self.groups[order].astype(np.uint16) if self.count < 2**16 else self.groups[order]
        return order[np.argsort(groups, kind="stable")]

    def sums(self, values: Floats) -> Floats:
        """(k,) sum of a row value in each group."""
        return np.bincount(self.groups, weights=values, minlength=self.count).astype(np.float64)

    def unit_sums(self, values: Floats) -> Floats:
        """(u,) sum of a row value in each unit."""
        codes, owners = self.units
        return np.bincount(codes, weights=values, minlength=len(owners)).astype(np.float64)

    def squares(self, unit_values: Floats) -> Floats:
        """(k,) sum of squares of a unit value in each group."""
        return np.bincount(self.units[1], weights=unit_values**2, minlength=self.count).astype(np.float64)
