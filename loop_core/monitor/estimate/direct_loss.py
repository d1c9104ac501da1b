"""DLE, direct loss estimation: a second model learns how wrong a regression is, from the same features.

Source: NannyML's documentation, "Direct Loss Estimation".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from loop_core.errors import UnknownNameError
from loop_core.monitor.estimate.expected import Expected

if TYPE_CHECKING:
    import lightgbm

Floats = npt.NDArray[np.float64]

#: Metric → exponent of the error that is learned.
POWERS = {"mae": 1, "mse": 2, "rmse": 2}


@dataclass(frozen=True)
class DirectLossEstimator:
    """Fitted on a reference."""

    boosters: dict[int, lightgbm.Booster]
    """Exponent → model of |error| to that power, from features and prediction."""
    spreads: dict[int, float]
    """Exponent → standard deviation of |error| to that power over reference rows."""

    def estimate(self, metric: str, features: Floats, predictions: Floats) -> Expected | None:
        """One metric of a window; None without rows. Raises UnknownNameError.

        Args:
            metric: of `POWERS`.
            features: (n, d), categories as whole numbers, nan where missing.
            predictions: (n,) what the model said.
        """
        if metric not in POWERS:
            raise UnknownNameError("metric", metric, POWERS)
        power, n = POWERS[metric], len(predictions)
        if n == 0:
            return None
        losses = np.maximum(0, np.asarray(self.boosters[power].predict(np.column_stack([features, predictions]))))
        value, se = float(losses.mean()), self.spreads[power] / float(np.sqrt(n))
        if metric != "rmse":
            return Expected(value, se)
        root = float(np.sqrt(value))
        return Expected(root, se / (2 * root) if root > 0 else 0.0)


def fit_direct_loss(
    features: Floats, predictions: Floats, truths: Floats, *, categories: tuple[int, ...] = (), seed: int = 0
) -> DirectLossEstimator:
    """Learn how wrong the predictions are where.

    Args:
        features: (n, d), categories as whole numbers, nan where missing.
        predictions: (n,) what the regression said.
        truths: (n,) what came.
        categories: columns of `features` that are categories.
        seed: of LightGBM.
    """
    errors = np.abs(truths - predictions)
    inputs = np.column_stack([features, predictions])
    powers = sorted(set(POWERS.values()))
    return DirectLossEstimator(
        {power: _booster(inputs, errors**power, categories, seed) for power in powers},
        {power: float((errors**power).std()) for power in powers},
    )


def _booster(inputs: Floats, losses: Floats, categories: tuple[int, ...], seed: int) -> lightgbm.Booster:
    import lightgbm

    settings = {"objective": "regression", "verbosity": -1, "seed": seed, "num_threads": 2, "deterministic": True}
    data = lightgbm.Dataset(inputs, losses, categorical_feature=list(categories))
    return lightgbm.train(settings | {"force_row_wise": True}, data, num_boost_round=100)
