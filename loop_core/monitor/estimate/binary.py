"""CBPE, confidence-based performance estimation: what the scores themselves say of the metric to come.

Calibrate scores to chances on reference rows; then a window's expected confusion matrix, AUC, log loss or Brier
score follow from its chances. It holds as long as the same score means the same chance: when inputs move, the
estimate moves with them; when the *relation* of inputs and outcome changes (concept drift), it does not notice.

Source: Garrote-Pozo et al. and NannyML's documentation, "Confidence-based Performance Estimation".
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from loop_core.monitor.estimate.expected import Expected, Rows, expected
from loop_core.monitor.estimate.isotonic import Calibrator, fitted

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class BinaryEstimator:
    """Fitted on a reference."""

    calibrator: Calibrator
    threshold: float = 0.5
    """From this score on the model says yes."""

    def rows(self, scores: Floats, weights: Floats | None = None) -> Rows:
        """Scores with their chances. Done once for all metrics of a window."""
        return Rows.of(scores, self.calibrator(scores), weights)

    def estimate(self, metric: str, scores: Floats, weights: Floats | None = None) -> Expected | None:
        """One metric of a window; None: not to be expected of these rows. Raises UnknownNameError.

        Args:
            metric: of `expected.BINARY`.
            scores: (n,) what the model said.
            weights: (n,) rows each score stands for; None: one.
        """
        return expected(metric, self.rows(scores, weights), self.threshold) if len(scores) else None


def fit_binary(scores: Floats, labels: Floats, *, threshold: float = 0.5) -> BinaryEstimator:
    """Learn the chances behind the scores.

    Args:
        scores: (n,) of reference rows, in [0, 1].
        labels: (n,) 0 or 1.
        threshold: from this score on the model says yes.
    """
    known = np.isfinite(scores) & np.isfinite(labels)
    return BinaryEstimator(fitted(scores[known], labels[known]), threshold)
