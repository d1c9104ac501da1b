"""Rows grouped by day and by several cohorts at once: counted once, and summed up for each of them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
#: Cohorts share a cube while it has no more cells than rows divided by this: so summing up costs next to nothing.
ROWS_A_CELL = 64


@dataclass(frozen=True)
class Cube:
    """Every combination of a day and of values of some cohorts."""

    cohorts: tuple[str, ...]
    shape: tuple[int, ...]
    """How many days, and how many values of each cohort."""
    place: Ints
    """(n,) the cell of each row."""

    @cached_property
    def rows(self) -> Ints:
        """(cells,) rows in each cell."""
        return np.bincount(self.place, minlength=math.prod(self.shape))

    def counted(self, codes: npt.NDArray[np.uint8], width: int) -> Ints:
        """(cells, width) rows per bin; a code beyond the last bin is no part of it."""
        places = self.place * (width + 1)
        places += codes
        counts = np.bincount(places, minlength=len(self.rows) * (width + 1))
        return counts.reshape(-1, width + 1)[:, :width]

    def summed(self, weights: Sequence[Floats], inside: npt.NDArray[np.bool_] | None) -> Floats:
        """(cells, 1 + weights) rows in each cell, and the sum of each weight over all of its rows.

        Args:
            weights: (n,) each.
            inside: (n,) which rows to number; None: all.
        """
        rows = self.rows if inside is None else np.bincount(self.place[inside], minlength=len(self.rows))
        return np.column_stack([rows, *(np.bincount(self.place, weights=w, minlength=len(rows)) for w in weights)])

    def along(self, cohort: str | None, cells: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """(cells, k) → (days × values, k) of one of its cohorts, or (days, k) of everybody."""
        others = tuple(axis for axis, name in enumerate(self.cohorts, start=1) if name != cohort)
        summed: npt.NDArray[Any] = cells.reshape(*self.shape, -1).sum(axis=others)
        return summed.reshape(-1, cells.shape[1])


def cubes(day: Ints, days: int, values: Mapping[str, tuple[Ints, int]]) -> list[Cube]:
    """As few cubes as hold all cohorts.

    Args:
        day: (n,) place of each row's day.
        days: how many there are.
        values: cohort → place of each row's value, and how many there are.
    """
    found: list[Cube] = []
    names: tuple[str, ...] = ()
    shape: tuple[int, ...] = (days,)
    place = day
    for name, (value, size) in values.items():
        if names and math.prod(shape) * size * ROWS_A_CELL > len(day):
            found.append(Cube(names, shape, place))
            names, place, shape = (), day, (days,)
        names, place, shape = (*names, name), place * size + value, (*shape, size)
    return [*found, Cube(names, shape, place)]
