"""How a column is cut into bins, learned from the reference window and kept for every window after."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

Counts = npt.NDArray[np.float64]

BINS = 20
#: Quantile levels between the bins of a number.
LEVELS = tuple(round(k / BINS, 4) for k in range(1, BINS))
#: A category is a bin of its own from this share of the reference on, …
MIN_SHARE = 0.005
#: … and so are at most this many.
MAX_CATEGORIES = 50


class Binning(Protocol):
    """Bins of one column. The last bin of each holds nulls."""

    @property
    def labels(self) -> tuple[str, ...]:
        """(K,) names of the bins, for people."""
        ...


@dataclass(frozen=True)
class NumberBins:
    """A number: bins between quantiles of the reference, open at both ends, and one for nulls (and NaN)."""

    edges: tuple[float, ...]
    """Ascending upper ends; a value equal to an edge lies below it."""

    @classmethod
    def learn(cls, quantiles: Iterable[float | None]) -> NumberBins:
        """From the quantiles of the reference at `LEVELS`. A value that is several quantiles becomes a bin of its own,
        so that a column of zeros notices when its zeros leave to either side.

        >>> NumberBins.learn([1.0, 2.0, 3.0]).labels
        ('≤ 1', '1 – 2', '2 – 3', '> 3', '(null)')
        """
        seen = Counter(float(q) for q in quantiles if q is not None and math.isfinite(q))
        below = {math.nextafter(value, -math.inf) for value, times in seen.items() if times > 1}
        return cls(tuple(sorted(set(seen) | below)))

    @property
    def labels(self) -> tuple[str, ...]:
        if not self.edges:
            return ("any", "(null)")
        text = [f"{edge:.6g}" for edge in self.edges]
        between = [f"{low} – {high}" for low, high in itertools.pairwise(text)]
        return (f"≤ {text[0]}", *between, f"> {text[-1]}", "(null)")

    def counts(self, histogram: Mapping[float, int] | None, rows: int) -> Counts:
        """(K,) rows per bin, from DuckDB's `histogram(column, edges)` and the rows of the window."""
        found = histogram or {}
        inner = [found.get(edge, 0) for edge in self.edges]
        known = sum(found.values())
        return np.array([*inner, known - sum(inner), rows - known], dtype=np.float64)


@dataclass(frozen=True)
class CategoryBins:
    """A category or flag: the frequent values, `(other)` for rare ones, `(unseen)`, and one for nulls."""

    kept: tuple[str, ...]
    """Values with a bin of their own, the most frequent first."""
    rare: frozenset[str]
    """Values of the reference that share the bin `(other)`."""
    novelty: float = 0.0
    """Share of the reference's rows whose value occurs only once in it: so many never seen ones are to be expected."""

    @classmethod
    def learn(cls, shares: Mapping[str, int]) -> CategoryBins:
        """From rows per value in the reference: those with ≥ 0.5 %, at most 50.

        >>> CategoryBins.learn({"SP": 900, "RJ": 99, "AC": 1}).labels
        ('SP', 'RJ', '(other)', '(unseen)', '(null)')
        """
        total = sum(shares.values())
        ordered = sorted(shares, key=lambda value: (-shares[value], value))
        kept = tuple(value for value in ordered[:MAX_CATEGORIES] if shares[value] >= MIN_SHARE * total)
        once = sum(rows == 1 for rows in shares.values())
        return cls(kept, frozenset(ordered) - frozenset(kept), once / total if total else 0.0)

    @property
    def labels(self) -> tuple[str, ...]:
        return (*self.kept, "(other)", "(unseen)", "(null)")

    def counts(self, values: Mapping[str | None, int]) -> Counts:
        """(K,) rows per bin, from rows per value."""
        inner = [values.get(value, 0) for value in self.kept]
        other = sum(count for value, count in values.items() if value in self.rare)
        nulls = values.get(None, 0)
        return np.array([*inner, other, sum(values.values()) - sum(inner) - other - nulls, nulls], dtype=np.float64)
