"""How far a predicted number can be taken at its word: the curves of `reliability`, for regressions."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from loop_core.monitor.reliability import BINS, DRAWS, Cox, ReliabilityBin, places

Floats = npt.NDArray[np.float64]


def bins_of_numbers(labels: Floats, scores: Floats, most: int = BINS) -> tuple[ReliabilityBin, ...]:
    """Rows in bins of equal mass by predicted number: its mean, and the mean of what came with a 95 % t interval.

    Args:
        labels: (n,) numbers that came.
        scores: (n,) predicted numbers.
        most: bins at most.
    """
    from scipy.special import stdtrit

    counts, said, came, errors = _by_bin(labels, scores, most)
    half = stdtrit(np.maximum(counts - 1, 1), 0.975) * errors
    rows = zip(
        said.tolist(), came.tolist(), (came - half).tolist(), (came + half).tolist(), counts.tolist(), strict=True
    )
    return tuple(ReliabilityBin(*row) for row in rows)


def error_of_numbers(labels: Floats, scores: Floats, *, seed: int = 0) -> tuple[float, float, float]:
    """(mean distance of the bins' means from their predictions, low, high) in the label's unit; see `calibration_error`.

    Args:
        labels: (n,) numbers that came.
        scores: (n,) predicted numbers.
        seed: of the 200 draws of bin means.
    """
    counts, said, came, errors = _by_bin(labels, scores, BINS)
    weights = counts / len(labels)
    found = float((weights * abs(came - said)).sum())
    noise = np.random.default_rng(seed).standard_normal((DRAWS, len(counts))) * errors
    noisy, perfect = ((weights * abs(gap + noise)).sum(axis=1) for gap in (came - said, np.zeros_like(said)))
    low, high = np.quantile(2 * found - noisy, [0.025, 0.975])
    by_chance = found <= np.quantile(perfect, 0.975)
    return found, 0.0 if by_chance else min(found, max(0.0, float(low))), max(found, float(high))


def line_of_numbers(labels: Floats, scores: Floats) -> Cox | None:
    """Slope of what came on what was predicted (1 is best), and the mean of what came − what was predicted (0 is best).

    None: predictions that do not vary.

    Source: Mincer & Zarnowitz 1969; errors robust against unequal spread by White 1980.
    """
    centred = scores - scores.mean()
    spread = float(centred @ centred)
    if len(labels) < 3 or spread <= 1e-12 * max(1.0, float(scores @ scores)):
        return None
    slope = float(centred @ labels) / spread
    left = labels - labels.mean() - slope * centred
    gaps = labels - scores
    return Cox(
        slope,
        float(np.sqrt(((centred * left) ** 2).sum())) / spread,
        float(gaps.mean()),
        float(gaps.std(ddof=1)) / float(np.sqrt(len(gaps))),
    )


def _by_bin(labels: Floats, scores: Floats, most: int) -> tuple[npt.NDArray[np.int64], Floats, Floats, Floats]:
    """(rows, mean prediction, mean of what came, its standard error) of each bin."""
    into = places(scores, most)
    counts = np.bincount(into)
    said, came = np.bincount(into, scores) / counts, np.bincount(into, labels) / counts
    squares = np.bincount(into, (labels - came[into]) ** 2)
    # A bin of one row says nothing of its spread: that of all rows stands for it.
    errors = np.sqrt(np.where(counts > 1, squares / np.maximum(counts - 1, 1), labels.var()) / counts)
    return counts, said, came, errors
