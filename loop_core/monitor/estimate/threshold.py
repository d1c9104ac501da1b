"""Where an estimated metric leaves what the reference's own windows show."""

from __future__ import annotations

from collections.abc import Sequence

#: Standard deviations from the mean.
SIGMAS = 3.0
#: Fewer windows say nothing about their spread.
MIN_WINDOWS = 3


def spread_around(realised: Sequence[float]) -> tuple[float, float] | None:
    """Mean ∓ 3 standard deviations of the realised metric over reference windows; None under three of them.

    >>> [round(x, 4) for x in spread_around([0.70, 0.71, 0.72])]
    [0.6855, 0.7345]
    """
    if len(realised) < MIN_WINDOWS:
        return None
    mean = sum(realised) / len(realised)
    sd = (sum((value - mean) ** 2 for value in realised) / len(realised)) ** 0.5
    return mean - SIGMAS * sd, mean + SIGMAS * sd
