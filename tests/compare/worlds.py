"""Simulated worlds whose truth is known: two models that score the same rows."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

#: Separation of the two classes by champion and challenger, in standard deviations.
SEPARATION = (1.0, 1.2)


def two_models(rng: np.random.Generator, n: int, prevalence: float = 0.3) -> tuple[Floats, Floats, Floats]:
    """(labels, champion, challenger) with correlated scores in (0, 1); AUC is Φ(separation / √2)."""
    labels = (rng.random(n) < prevalence).astype(np.float64)
    shared = rng.standard_normal(n)
    scores = []
    for separation in SEPARATION:
        x = separation * labels + 0.8 * shared + 0.6 * rng.standard_normal(n)
        logit = separation * x - separation**2 / 2 + np.log(prevalence / (1 - prevalence))
        scores.append(1 / (1 + np.exp(-logit)))
    return labels, scores[0], scores[1]
