"""Intervals of a mean and of a share."""

from __future__ import annotations

import math

_Z = 1.959964


def mean_interval(n: int, mean: float, sd: float | None) -> tuple[float, float] | None:
    """95 % t interval of a mean from its n values' standard deviation; None under 2 values.

    >>> [round(x, 3) for x in mean_interval(100, 4.0, 1.0)]
    [3.802, 4.198]
    """
    if n < 2 or sd is None:
        return None
    from scipy.special import stdtrit

    half = float(stdtrit(n - 1, 0.975)) * sd / math.sqrt(n)
    return mean - half, mean + half


def wilson(hits: int, n: int) -> tuple[float, float] | None:
    """95 % interval of a share (Wilson 1927); None without rows. It stays in [0, 1] and is honest at 0 of n.

    >>> [round(x, 3) for x in wilson(0, 20)]
    [0.0, 0.161]
    """
    if n == 0:
        return None
    share, z2 = hits / n, _Z * _Z
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = _Z * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    return max(0.0, middle - half), min(1.0, middle + half)
