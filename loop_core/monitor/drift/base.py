"""What every measure of drift is: a distance between two windows, from counts per bin or from the rows themselves."""

from __future__ import annotations

import math
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from loop_core.monitor.profiles import Binning, CategoryBins, Counts, NumberBins

#: Values of one column, (n,): floats with NaN for null, or whole numbers that stand for categories, −1 for null.
Values = npt.NDArray[Any]

#: Rows that a bin which one of two windows leaves empty is taken to hold there: rare rather than impossible.
PSEUDO_COUNT = 0.5
#: Mean of the absolute value of a standard normal variable.
MEAN_ABSOLUTE = math.sqrt(2 / math.pi)


class DriftMeasure(Protocol):
    """One distance. It is 0 between equal windows, never negative, and the order of rows does not matter."""

    @property
    def name(self) -> str:
        """Its name in `METHODS`."""
        ...

    @property
    def folklore(self) -> float | None:
        """The usual cut-off of the trade, shown and not used; None: there is none."""
        ...

    @property
    def power(self) -> float:
        """By chance alone the value shrinks with the row count n like n to the minus this: 1, or ½ for a distance."""
        ...

    @property
    def is_along_axis(self) -> bool:
        """Whether it counts how far values lie apart, and not only which bin they are in."""
        ...

    def applies(self, bins: Binning) -> str:
        """Why it cannot be told for a column with such bins; empty: it can."""
        ...

    def binned(self, reference: Counts, current: Counts, bins: Binning) -> Counts:
        """(…, K) and (…, K) rows per bin → (…) values; NaN where it cannot be told."""
        ...

    def by_chance(self, reference: Counts, current: Counts, bins: Binning) -> Counts:
        """(…, K) and (…, K) rows per bin → (…) about what the value is on average where both windows are samples of one
        population: what row counts like these make of nothing."""
        ...

    def psi_factor(self, reference: Counts, current: Counts) -> Counts | float:
        """(…) what the value to the power of 1 / `power` is multiplied by to be on PSI's scale, where a normal shift of
        δ standard deviations is about δ²."""
        ...

    def exact(self, reference: Values, current: Values) -> tuple[float, float | None]:
        """The value on rows, NaN where it cannot be told, and the p-value of the classical test where there is one."""
        ...


def filled_shares(reference: npt.ArrayLike, current: npt.ArrayLike) -> tuple[Counts, Counts]:
    """(…, K) and (…, K) counts → shares, with the pseudo-count where exactly one of the two is empty; NaN where a side has
    no rows.

    >>> [side.round(3).tolist() for side in filled_shares([0, 9, 0], [3, 6, 0])]
    [[0.053, 0.947, 0.0], [0.333, 0.667, 0.0]]
    """
    r, c = np.broadcast_arrays(np.asarray(reference, dtype=np.float64), np.asarray(current, dtype=np.float64))
    total = [side.sum(axis=-1, keepdims=True) for side in (r, c)]
    r, c = np.where((r == 0) & (c > 0), PSEUDO_COUNT, r), np.where((c == 0) & (r > 0), PSEUDO_COUNT, c)
    first, second = (
        np.where(rows > 0, side / np.maximum(side.sum(axis=-1, keepdims=True), PSEUDO_COUNT), np.nan)
        for side, rows in zip((r, c), total, strict=True)
    )
    return first, second


def sampling_noise(reference: Counts, current: Counts) -> Counts:
    """(…) 1 / N + 1 / n of windows with N and n rows; NaN where a side has none."""
    first, second = (np.where(rows > 0, rows, np.nan) for rows in (reference.sum(axis=-1), current.sum(axis=-1)))
    noise: Counts = 1 / first + 1 / second
    return noise


def share_variance(reference: Counts, current: Counts, place: int) -> Counts:
    """(…) p(1 − p) of the mean p of two windows' shares of one bin, and of at least half a row in both."""
    rows = [side.sum(axis=-1) for side in (reference, current)]
    with np.errstate(invalid="ignore", divide="ignore"):
        share = (reference[..., place] / rows[0] + current[..., place] / rows[1]) / 2
        least = PSEUDO_COUNT / (rows[0] + rows[1])
    share = np.clip(share, least, 1 - least)
    variance: Counts = share * (1 - share)
    return variance


def divergence_by_chance(reference: Counts, current: Counts) -> Counts:
    """(…) (K' − 1)(1 / N + 1 / n) over the K' bins that are not empty on both sides: the mean of a chi-squared divergence,
    and about that of PSI, between two samples of N and n rows of one population."""
    used = np.count_nonzero(reference + current, axis=-1)
    chance: Counts = np.maximum(used - 1, 0) * sampling_noise(reference, current)
    return chance


def size_beyond_chance(
    measure: DriftMeasure, values: Counts, chance: Counts, reference: Counts, current: Counts
) -> Counts:
    """(…) values on PSI's scale, less what chance gives there: about δ² for a normal shift of δ standard deviations."""
    power = 1 / measure.power
    size: Counts = measure.psi_factor(reference, current) * (values**power - chance**power)
    return size


def only_numbers(bins: Binning) -> str:
    """The reason of a measure that needs an order."""
    return "" if isinstance(bins, NumberBins) and bins.edges else "Its values have no order or do not vary."


def only_categories(bins: Binning) -> str:
    """The reason of a measure that needs names."""
    return "" if isinstance(bins, CategoryBins) else "A number has no categories."


def any_column(bins: Binning) -> str:
    """For a measure that looks at bins alone."""
    return ""


def known(values: Values) -> Values:
    """The values that are not null."""
    return values[~nulls(values)]


def nulls(values: Values) -> npt.NDArray[np.bool_]:
    """(n,) whether each value is null (or NaN)."""
    found: npt.NDArray[np.bool_] = np.isnan(values) if is_number(values) else values < 0
    return found


def is_number(values: Values) -> bool:
    """Whether values have an order; categories have none."""
    return values.dtype.kind == "f"


def row_counts(reference: Values, current: Values) -> tuple[Counts, Counts]:
    """Rows per bin of both: of numbers in the bins that the reference gives, of categories per value; nulls last."""
    if is_number(reference):
        from loop_core.monitor.profiles.learn import edges_of

        edges = edges_of(reference).edges
        return _per_edge(reference, edges), _per_edge(current, edges)
    width = int(max(reference.max(initial=-1), current.max(initial=-1))) + 1
    return _per_code(reference, width), _per_code(current, width)


def _per_edge(values: Values, edges: tuple[float, ...]) -> Counts:
    inside = np.bincount(np.searchsorted(edges, known(values), side="left"), minlength=len(edges) + 1)
    return np.array([*inside, nulls(values).sum()], dtype=np.float64)


def _per_code(values: Values, width: int) -> Counts:
    inside = np.bincount(known(values), minlength=width)
    return np.array([*inside, nulls(values).sum()], dtype=np.float64)
