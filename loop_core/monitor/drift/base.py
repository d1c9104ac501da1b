"""What every measure of drift is: a distance between two windows, from counts per bin or from the rows themselves."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from loop_core.monitor.profiles import Binning, CategoryBins, Counts, NumberBins

#: Values of one column, (n,): floats with NaN for null, or whole numbers that stand for categories, −1 for null.
Values = npt.NDArray[Any]

#: Added to every bin on both sides, so that an empty bin is rare rather than impossible.
PSEUDO_COUNT = 0.5


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

    def applies(self, bins: Binning) -> str:
        """Why it cannot be told for a column with such bins; empty: it can."""
        ...

    def binned(self, reference: Counts, current: Counts, bins: Binning) -> Counts:
        """(…, K) and (…, K) rows per bin → (…) values; NaN where it cannot be told."""
        ...

    def exact(self, reference: Values, current: Values) -> tuple[float, float | None]:
        """The value on rows, NaN where it cannot be told, and the p-value of the classical test where there is one."""
        ...


def smoothed(counts: npt.ArrayLike) -> Counts:
    """(…, K) counts → shares, with the pseudo-count.

    >>> smoothed([0, 9]).round(2).tolist()
    [0.05, 0.95]
    """
    padded = np.asarray(counts, dtype=np.float64) + PSEUDO_COUNT
    shares: Counts = padded / padded.sum(axis=-1, keepdims=True)
    return shares


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
    """Rows per bin of both: of numbers in the reference's twentieths, of categories per value; nulls last."""
    if is_number(reference):
        from loop_core.monitor.profiles.binning import LEVELS

        usual = known(reference)
        edges = NumberBins.learn(np.quantile(usual, LEVELS, method="inverted_cdf") if len(usual) else []).edges
        return _per_edge(reference, edges), _per_edge(current, edges)
    width = int(max(reference.max(initial=-1), current.max(initial=-1))) + 1
    return _per_code(reference, width), _per_code(current, width)


def _per_edge(values: Values, edges: tuple[float, ...]) -> Counts:
    inside = np.bincount(np.searchsorted(edges, known(values), side="left"), minlength=len(edges) + 1)
    return np.array([*inside, nulls(values).sum()], dtype=np.float64)


def _per_code(values: Values, width: int) -> Counts:
    inside = np.bincount(known(values), minlength=width)
    return np.array([*inside, nulls(values).sum()], dtype=np.float64)
