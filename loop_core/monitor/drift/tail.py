"""From a thousand values that chance gave to the probability of a value that it hardly ever gives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from loop_core.monitor.profiles import Counts

#: Beyond the value that this share of the draws exceeds, the tail is a fitted one.
TAIL_SHARE = 0.1
#: The smallest probability that is told.
LEAST = 1e-300
Places = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Tail:
    """The distribution of a measure by chance. Below the last tenth the draws are counted; beyond it, the larger of two
    fits is taken: a gamma distribution by its moments, and an exponential one through what exceeds. Simulations of the
    measures here (tests/bench/bench_alarms.py) put the true rate at the nominal one down to 0.0005, within a factor of
    two for columns whose rare bins hold a dozen rows.

    Source: Satterthwaite 1946 for the gamma; Knijnenburg et al. 2009, "Fewer permutations, more accurate p-values".
    """

    draws: Counts
    """(n,) values, ascending, that add up like a chi-squared one."""

    @classmethod
    def of(cls, values: Counts) -> Tail:
        """From draws in any order; those that cannot be told are left out."""
        return cls(np.sort(values[np.isfinite(values)]))

    def chances(self, values: Counts) -> Counts:
        """(n,) shares of the draws that are so large or larger, counted with the value itself."""
        # Equal values must not differ by the last digit.
        below = np.searchsorted(self.draws, values * (1 - 1e-9) - 1e-12, side="left")
        counted: Counts = (1 + len(self.draws) - below) / (len(self.draws) + 1)
        return counted

    def exceeded(self, levels: Counts) -> Counts:
        """(n,) the smallest draws whose chances are at most `levels`."""
        size = len(self.draws)
        if not size:
            return np.full(len(levels), np.nan)
        above = np.clip(np.floor(levels * (size + 1)).astype(int) - 1, 0, size)
        found: Counts = np.append(self.draws, self.draws[-1])[size - above]
        return found

    @cached_property
    def fit(self) -> tuple[float, float, float, float, float]:
        """Where the fitted tail starts (∞: nothing varies, so that none is fitted), shape and scale of the gamma
        distribution with the draws' mean and variance, the share of the draws beyond the start, and how far beyond they are
        on average."""
        variance = float(self.draws.var()) if len(self.draws) else 0.0
        if not variance:
            return np.inf, 1.0, 1.0, 0.0, 0.0
        mean, start = float(self.draws.mean()), float(self.draws[int(len(self.draws) * (1 - TAIL_SHARE))])
        over = self.draws[self.draws > start]
        excess = float((over - start).mean()) if len(over) else 0.0
        return start, mean**2 / variance, variance / mean, len(over) / len(self.draws), excess


class Tails:
    """Several tails, and many values of each: what a table of cells is judged by at once."""

    def __init__(self, tails: Sequence[Tail], whose: Places) -> None:
        """Of (n,) values the numbers of the tails that they belong to; each tail has one at least."""
        self._tails, order = tails, np.argsort(whose, kind="stable")
        self._places = np.split(order, np.flatnonzero(np.diff(whose[order])) + 1)
        self._fit = np.array([tail.fit for tail in tails]).reshape(-1, 5)[whose].T

    def p_values(self, values: Counts) -> Counts:
        """(n,) chances of so large values or larger ones; never 0.

        >>> Tails([Tail.of(np.arange(100.0))], np.array([0, 0])).p_values(np.array([0.0, 49.0])).round(2).tolist()
        [1.0, 0.51]
        """
        from scipy.special import gammaincc

        found, far = self._counted(values, Tail.chances), values > self._fit[0]
        value, (start, shape, scale, share, excess) = values[far], self._fit[:, far]
        with np.errstate(divide="ignore"):
            exponential = share * np.exp((start - value) / excess)
        found[far] = np.maximum(np.maximum(gammaincc(shape, value / scale), exponential), LEAST)
        return found

    def quantiles(self, levels: Counts) -> Counts:
        """(n,) the smallest values whose p-values are at most `levels`, in (0, 1)."""
        from scipy.special import gammainccinv

        found = self._counted(levels, Tail.exceeded)
        far = found > self._fit[0]
        level, (start, shape, scale, share, excess) = levels[far], self._fit[:, far]
        exponential = start + excess * np.maximum(np.log(share / level), 0.0)
        found[far] = np.maximum(gammainccinv(shape, level) * scale, exponential)
        return found

    def _counted(self, given: Counts, what: Callable[[Tail, Counts], Counts]) -> Counts:
        """(n,) what each tail's draws say of the values that belong to it."""
        found = np.empty(len(given))
        for tail, places in zip(self._tails, self._places, strict=False):
            found[places] = what(tail, given[places])
        return found
