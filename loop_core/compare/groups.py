"""Rows cut into groups by a cohort, and the independent units within them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import numpy.typing as npt

from loop_core.charter import Charter, Cohort
from loop_core.monitor.units import Units

if TYPE_CHECKING:
    import polars as pl

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.intp]
T = TypeVar("T", bound=np.generic)

OTHER = "(other)"
#: Between the values of two cohorts that are crossed.
CROSS = " × "


@dataclass(frozen=True)
class Grouping:
    """Every row is in one of g groups."""

    cohort: str | None
    """Name of the cohort; None: one group holds everybody."""
    values: tuple[str | None, ...]
    """(g,) what the groups are called; `(None,)` for everybody."""
    codes: Codes
    """(n,) number of each row's group."""
    min_rows: int = 1
    """Groups with fewer rows get no verdict."""
    shown_only: bool = False
    """True: what is found in them binds no release."""

    @cached_property
    def sizes(self) -> Floats:
        """(g,) rows of each group."""
        return self.sums(None)

    @property
    def count(self) -> int:
        """g."""
        return len(self.values)

    def sums(self, values: Floats | None) -> Floats:
        """(g,) sum of a row value in each group; None: rows."""
        if self.count == 1:
            return np.array([len(self.codes) if values is None else values.sum()], dtype=np.float64)
        return np.bincount(self.codes, weights=values, minlength=self.count).astype(np.float64)

    def spread(self, values: npt.NDArray[T]) -> npt.NDArray[T]:
        """(n,) the group's value for each of its rows; (1,) where there is one group."""
        return values if self.count == 1 else values[self.codes]

    @cached_property
    def small(self) -> npt.NDArray[np.unsignedinteger]:
        """The codes, in as few bytes as they need."""
        return self.codes.astype(np.min_scalar_type(max(self.count - 1, 1)))

    def blocks(self, units: Units) -> Blocks:
        """The rows of one unit within one group, which count as one witness."""
        known = self._blocks.get(id(units))
        if known is None:
            # The units are kept beside, so that their id is not another's one day.
            known = self._blocks[id(units)] = (units, _blocks(self, units))
        return known[1]

    @cached_property
    def _blocks(self) -> dict[int, tuple[Units, Blocks]]:
        return {}


@dataclass(frozen=True)
class Blocks:
    """Units within groups."""

    codes: Codes | None
    """(n,) number of each row's block; None: every row is a block of its own."""
    group: Codes
    """(m,) the group of each block."""
    counts: Floats
    """(g,) blocks of each group."""

    def sums(self, values: Floats) -> Floats:
        """(m,) sum of a row value in each block."""
        if self.codes is None:
            return values
        return np.bincount(self.codes, weights=values, minlength=len(self.group)).astype(np.float64)

    def total(self, values: Floats) -> Floats:
        """(g,) sum of a block value in each group."""
        if len(self.counts) == 1:
            return np.array([values.sum()], dtype=np.float64)
        return np.bincount(self.group, weights=values, minlength=len(self.counts)).astype(np.float64)

    @property
    def name(self) -> str:
        """`rows`, or `entities` where they repeat."""
        return "rows" if self.codes is None else "entities"


def everybody(n: int) -> Grouping:
    """All n rows in one group."""
    return Grouping(None, (None,), np.zeros(n, dtype=np.intp))


def groupings(charter: Charter, cohorts: pl.DataFrame, n: int) -> tuple[Grouping, ...]:
    """Everybody, each declared cohort, those nobody has to declare, then the pairs of cohorts that the charter crosses.

    Args:
        charter: cohorts with their bounds, and `[compare] cohort_pairs`.
        cohorts: (n,) one text column per declared cohort, and any others.
        n: rows; a frame without columns does not know how many it has.
    """
    import polars as pl

    found = [everybody(n), *(grouped(cohort, cohorts[cohort.name]) for cohort in charter.cohorts)]
    # What people said and which labels were corrected follows the outcome. Among those who complained the model that
    # always expects the worst is the best, so nothing found there may decide.
    found += (
        replace(grouped(Cohort(name=name, expression=name), cohorts[name]), shown_only=True)
        for name in cohorts.columns[len(charter.cohorts) :]
    )
    for first, second in charter.compare.cohort_pairs:
        values = cohorts.select(pl.concat_str(first, second, separator=CROSS)).to_series()
        bounds = [charter.cohort(name) for name in (first, second)]
        crossed = Cohort(
            name=f"{first}_{second}"[:62],
            expression="crossed",
            min_rows=max(bound.min_rows for bound in bounds),
            max_values=max(bound.max_values for bound in bounds),
        )
        found.append(grouped(crossed, values))
    return tuple(found)


def grouped(cohort: Cohort, values: pl.Series) -> Grouping:
    """The groups of one cohort, the largest first; beyond `max_values` the rest is one group `(other)`.

    Args:
        cohort: its `max_values` bounds the groups.
        values: (n,) text, one value a row.
    """
    import polars as pl

    counts = values.rename("value").value_counts(name="n").sort(["n", "value"], descending=[True, False])
    kept = counts["value"].head(cohort.max_values)
    numbered = pl.DataFrame({"value": kept, "code": pl.int_range(len(kept), eager=True)})
    codes = (
        values.rename("value")
        .to_frame()
        .join(numbered, on="value", how="left", nulls_equal=True, maintain_order="left")["code"]
    )
    names = [str(value) for value in kept] + ([OTHER] if counts.height > len(kept) else [])
    return Grouping(cohort.name, tuple(names), codes.fill_null(len(kept)).to_numpy().astype(np.intp), cohort.min_rows)


def groups(cohort: Cohort, values: pl.Series) -> Iterator[tuple[str, npt.NDArray[np.int64]]]:
    """(value, places of its rows), the largest first."""
    found = grouped(cohort, values)
    order = np.argsort(found.codes, kind="stable")
    ends = np.cumsum(found.sizes).astype(np.int64)
    yield from zip((str(value) for value in found.values), np.split(order, ends[:-1]), strict=True)


def _blocks(grouping: Grouping, units: Units) -> Blocks:
    if units.codes is None:
        return Blocks(None, grouping.codes, grouping.sizes)
    if grouping.count == 1:
        return Blocks(units.codes, np.zeros(units.count, dtype=np.intp), np.array([float(units.count)]))
    # Numbered in the order of (group, unit); a table of marks is quicker than a sort as long as it fits.
    keys = grouping.codes.astype(np.int64) * units.count + units.codes
    if grouping.count * units.count <= 50_000_000:
        there = np.zeros(grouping.count * units.count, dtype=bool)
        there[keys] = True
        kept, codes = np.flatnonzero(there), (np.cumsum(there) - 1)[keys]
    else:
        kept, codes = np.unique(keys, return_inverse=True)
    group = kept // units.count
    counts = np.bincount(group, minlength=grouping.count).astype(np.float64)
    if len(kept) == len(keys):
        return Blocks(None, grouping.codes, grouping.sizes)
    return Blocks(codes.astype(np.intp), group.astype(np.intp), counts)
