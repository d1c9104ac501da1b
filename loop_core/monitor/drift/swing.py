"""Natural swing: how a column's shares move from window to window in a quiet time, beyond sampling noise."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from loop_core.monitor.profiles import Counts


@dataclass(frozen=True)
class Swing:
    """A random effect on the shares of a window, in units of each bin's sampling noise at one row: √share."""

    directions: Counts
    """(m, K) what moves together, such as a mean that goes up and down; each with its standard deviation as length."""
    even: float
    """Variance in every direction alike."""
    freedom: float
    """How well its size is known: windows of the reference less one, times the number of directions that share it."""
    hidden: float = 0.0
    """Variance in one direction more that could not be told from sampling noise in so few windows."""
    hidden_freedom: int = 1
    """Windows of the reference less one."""

    def disguised(self, rng: np.random.Generator) -> Counts:
        """(draws,) chi-squared distances that the hidden direction makes, its size being as unsure as few windows are."""
        unsure = self.hidden_freedom / rng.chisquare(self.hidden_freedom, size=DRAWS)
        distances: Counts = self.hidden * unsure * rng.normal(size=DRAWS) ** 2
        return distances

    @property
    def size(self) -> float:
        """Chi-squared distance from the mean that it makes on average."""
        bins = self.directions.shape[1]
        return float((self.directions**2).sum() + self.even * max(bins - 1, 0))

    def move(self, shares: Counts, rng: np.random.Generator) -> Counts:
        """(K,) shares → (draws, K) shares of quiet windows; the same (K,) where nothing swings.

        Shares are multiplied by factors with mean 1 that follow gamma distributions (by Wilson & Hilferty's cube), so
        that none becomes negative, and few become nothing.
        """
        if not self.size:
            return shares
        # The standard deviations come from few windows: Student's t instead of the normal distribution.
        unsure = np.sqrt(self.freedom / rng.chisquare(self.freedom, size=(DRAWS, 1)))
        together = unsure * (rng.normal(size=(DRAWS, len(self.directions))) @ self.directions)
        alone = math.sqrt(self.even) * rng.normal(size=(DRAWS, len(shares)))
        factors = (together + alone) / np.sqrt(shares)
        variances = ((self.directions**2).sum(axis=0) + self.even) / shares
        moved = shares * np.clip(1 - variances / 9 + factors / 3, 0, None) ** 3
        normed: Counts = moved / np.maximum(moved.sum(axis=1, keepdims=True), 1e-12)
        return normed


#: Quiet windows that are drawn for one row count.
DRAWS = 1000


def natural_swing(reference: Counts) -> Swing:
    """What is left of the differences between the reference's windows once sampling noise is taken out.

    Standardised by sampling noise, pure noise has eigenvalues up to (1 + √γ)², where γ is bins over windows. Those
    beyond are real directions, taken back to their true size; of the rest, the mean is compared with 1.

    A direction of less than √γ does not show at all; what nobody can see is taken to be there.

    Args:
        reference: (windows, K) counts per bin, each window with at least one row.

    Source: Marchenko & Pastur 1967 for the edge; Baik & Silverstein 2006 for the size behind an eigenvalue; Baik, Ben
    Arous & Péché 2005 for what does not show.
    """
    none = Swing(np.zeros((0, reference.shape[1])), 0.0, 1.0)
    rows, pooled = reference.sum(axis=1), reference.sum(axis=0) / max(reference.sum(), 1.0)
    used, freedom = pooled > 0, len(reference) - 1
    dimensions = int(np.count_nonzero(used)) - 1
    if freedom < 1 or dimensions < 1:
        return none
    scale = np.sqrt(np.where(used, pooled, 1.0))
    noise = (reference / rows[:, None] - pooled) * np.sqrt(rows)[:, None] / scale * used
    _, singular, axes = np.linalg.svd(noise, full_matrices=False)
    eigen, ratio = singular**2 / freedom, dimensions / freedom
    real = eigen > (1 + math.sqrt(ratio)) ** 2
    sum_ = eigen[real] + 1 - ratio
    true = (sum_ + np.sqrt(np.maximum(sum_**2 - 4 * eigen[real], 0))) / 2
    left = max(dimensions - int(real.sum()), 1)
    even = max(float(eigen[~real].sum()) / left - 1, 0.0)
    # A new window also differs from the mean of the old ones by the error of that mean.
    widen = (len(reference) + 1) / len(reference) * len(rows) / rows.sum()
    strength = np.maximum(true - 1, 0)
    shared = float(strength.sum() ** 2 / (strength**2).sum()) if strength.any() else 1.0
    directions = axes[real] * np.sqrt(strength * widen)[:, None]
    return Swing(directions, even * widen, freedom * shared, math.sqrt(ratio) * widen, freedom)
