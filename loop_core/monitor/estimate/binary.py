"""CBPE, confidence-based performance estimation: what the scores themselves say of the metric to come.

Calibrate scores to chances on reference rows; then a window's expected confusion matrix, AUC, log loss or Brier
score follow from its chances. It holds as long as the same score means the same chance: when inputs move, the
estimate moves with them; when the *relation* of inputs and outcome changes (concept drift), it does not notice.

Source: Garrote-Pozo et al. and NannyML's documentation, "Confidence-based Performance Estimation".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from loop_core.charter import Charter
from loop_core.monitor.estimate.base import MIN_ROWS, ReferenceRows, fit_each
from loop_core.monitor.estimate.expected import Expected, Rows, expected
from loop_core.monitor.estimate.isotonic import Calibrator, fitted
from loop_core.monitor.groups import Group
from loop_core.monitor.losses import LEAST_CHANCE

if TYPE_CHECKING:
    import polars as pl

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


#: Scores are put together where their log-odds differ by less than 1/512: two in a thousand of the odds.
STEPS = 512
#: Rows of each class that a calibration asks for.
MIN_CLASS = 20


class BinaryMethod:
    """CBPE in a loop; see `base.Method`."""

    assumption = (
        "Estimated from scores, as if the same score still meant the same chance: it follows changes of the inputs,"
        " and does not see a change in what the inputs mean (concept drift). The realised metric decides when labels are in."
    )
    features = False

    def select(self, charter: Charter) -> str:
        """Rows of nearly the same score together."""
        return f"""select w, c, v, count(*)::double as n, avg(score) as score,
          round(ln(s / (1 - s)) * {STEPS})::int as bin
        from (select *, greatest({LEAST_CHANCE!r}, least(1 - {LEAST_CHANCE!r}, score)) as s from scored)
        group by w, c, v, bin order by w, c nulls first, v, bin"""

    def enough(self, group: Group) -> bool:
        positives = int(group.labels.sum())
        return group.n >= MIN_ROWS and min(positives, group.n - positives) >= MIN_CLASS

    def fit(self, rows: ReferenceRows) -> Mapping[str | None, BinaryEstimator]:
        return {value: _of_group(group) for value, group in fit_each(self.enough, rows).items()}

    def told(self, parts: Sequence[tuple[BinaryEstimator, pl.DataFrame]]) -> Rows:
        scores, weights = (
            np.concatenate([part[name].to_numpy() for _, part in parts]).astype(np.float64) for name in ("score", "n")
        )
        chances = np.concatenate([estimator.calibrator(part["score"].to_numpy()) for estimator, part in parts])
        return Rows.of(scores, chances, weights)


def _of_group(group: Group) -> BinaryEstimator:
    # Rows come from the lake in any order, and the folds go by order: sorted, the same rows give the same calibration.
    order = np.argsort(group.scores, kind="stable")
    return fit_binary(group.scores[order], group.labels[order])
