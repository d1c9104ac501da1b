"""Population stability index: how far a distribution over bins has moved."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

#: Added to every bin on both sides, so that an empty bin is rare rather than impossible.
PSEUDO_COUNT = 0.5


def psi(reference: npt.ArrayLike, current: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Σ (c − r) · ln(c / r) over bins, with shares r, c = (count + ½) / (n + K/2) of K bins.

    It is symmetric, never negative, and 0 when the shares are equal. A smaller pseudo-count would let one empty
    bin decide the result: with 10⁻³⁰⁰ instead of ½ it alone would add several hundred.

    Args:
        reference: (…, K) counts per bin.
        current: (…, K) counts per bin, of the same bins.

    Returns:
        (…) index, ≥ 0, in nats. Folklore calls 0.1 a moderate and 0.2 a large move, whatever the row count.

    Source: Kullback & Leibler 1951 (the divergence J); Siddiqi 2006, "Credit Risk Scorecards" (the name and folklore).

    >>> round(float(psi([50, 50], [50, 50])), 4), round(float(psi([500, 500], [700, 300])), 3)
    (0.0, 0.169)
    """
    r, c = _shares(reference), _shares(current)
    index: npt.NDArray[np.float64] = np.maximum(((c - r) * np.log(c / r)).sum(axis=-1), 0.0)
    return index


def _shares(counts: npt.ArrayLike) -> npt.NDArray[np.float64]:
    padded = np.asarray(counts, dtype=np.float64) + PSEUDO_COUNT
    shares: npt.NDArray[np.float64] = padded / padded.sum(axis=-1, keepdims=True)
    return shares
