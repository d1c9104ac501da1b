"""From a thousand values that chance gave to the probability of a value that it hardly ever gives."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from loop_core.monitor.profiles import Counts

#: Beyond the value that this share of the draws exceeds, the tail is a fitted one.
TAIL_SHARE = 0.1
#: The smallest probability that is told.
LEAST = 1e-300


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

    def p_values(self, values: Counts) -> Counts:
        """(n,) chances of so large a value or a larger one; never 0.

        >>> Tail.of(np.arange(100.0)).p_values(np.array([0.0, 49.0])).round(2).tolist()
        [1.0, 0.51]
        """
        size = len(self.draws)
        # Equal values must not differ by the last digit.
        below = np.searchsorted(self.draws, values * (1 - 1e-9) - 1e-12, side="left")
        counted: Counts = (1 + size - below) / (size + 1)
        if not self._variance:
            return counted
        fitted = np.maximum(np.maximum(self._gamma(values), self._exponential(values)), LEAST)
        return np.where(values <= self._start, counted, fitted)

    def quantiles(self, levels: Counts) -> Counts:
        """(n,) the smallest values whose p-values are at most `levels`, in (0, 1)."""
        size = len(self.draws)
        if not size:
            return np.full(len(levels), np.nan)
        above = np.clip(np.floor(levels * (size + 1)).astype(int) - 1, 0, size)
        counted: Counts = np.append(self.draws, self.draws[-1])[size - above]
        if not self._variance:
            return counted
        from scipy.special import gammainccinv

        shape, scale = self._fit
        fitted = np.maximum(gammainccinv(shape, levels) * scale, self._exponential_inverse(levels))
        return np.where(counted <= self._start, counted, np.maximum(fitted, self._start))

    @cached_property
    def _start(self) -> float:
        return float(self.draws[int(len(self.draws) * (1 - TAIL_SHARE))])

    @cached_property
    def _variance(self) -> float:
        return float(self.draws.var()) if len(self.draws) else 0.0

    @cached_property
    def _fit(self) -> tuple[float, float]:
        """Shape and scale of the gamma distribution with the draws' mean and variance."""
        mean = float(self.draws.mean())
        return mean**2 / self._variance, self._variance / mean

    @cached_property
    def _excess(self) -> tuple[float, float]:
        """Share of the draws beyond the start of the tail, and how far beyond they are on average."""
        over = self.draws[self.draws > self._start]
        return len(over) / len(self.draws), float((over - self._start).mean()) if len(over) else 0.0

    def _gamma(self, values: Counts) -> Counts:
        from scipy.special import gammaincc

        shape, scale = self._fit
        tail: Counts = gammaincc(shape, values / scale)
        return tail

    def _exponential(self, values: Counts) -> Counts:
        share, excess = self._excess
        if not excess:
            return np.zeros_like(values)
        tail: Counts = share * np.exp(-np.maximum(values - self._start, 0.0) / excess)
        return tail

    def _exponential_inverse(self, levels: Counts) -> Counts:
        share, excess = self._excess
        if not excess:
            return np.zeros_like(levels)
        values: Counts = self._start + excess * np.maximum(np.log(share / levels), 0.0)
        return values
