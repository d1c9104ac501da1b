"""DLE, direct loss estimation: a second model learns how wrong a regression is, from the same features.

Source: NannyML's documentation, "Direct Loss Estimation".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from loop_core.charter import Charter, Column
from loop_core.errors import UnknownNameError
from loop_core.lake import quoted
from loop_core.models import Encoding
from loop_core.monitor.estimate.base import MIN_ROWS, ReferenceRows, sampled
from loop_core.monitor.estimate.expected import Expected
from loop_core.monitor.groups import Group

if TYPE_CHECKING:
    import lightgbm
    import polars as pl

Floats = npt.NDArray[np.float64]

#: Metric → exponent of the error that is learned.
POWERS = {"mae": 1, "mse": 2, "rmse": 2}


@dataclass(frozen=True)
class DirectLossEstimator:
    """Fitted on a reference."""

    boosters: dict[int, lightgbm.Booster]
    """Exponent → model of |error| to that power, from features and prediction."""
    spreads: dict[int, float]
    """Exponent → standard deviation of |error| to that power over reference rows, in means of it: where errors are larger
    they scatter more."""

    def losses(self, features: Floats, predictions: Floats) -> dict[int, Floats]:
        """Exponent → (n,) what |error| to that power is expected to be.

        Args:
            features: (n, d), categories as whole numbers, nan where missing.
            predictions: (n,) what the model said.
        """
        inputs = np.column_stack([features, predictions])
        return {power: np.maximum(0, np.asarray(booster.predict(inputs))) for power, booster in self.boosters.items()}

    def estimate(self, metric: str, features: Floats, predictions: Floats) -> Expected | None:
        """One metric of a window; None without rows. Raises UnknownNameError.

        Args:
            metric: of `POWERS`.
            features, predictions: as in `losses`.
        """
        _checked(metric)
        if not len(predictions):
            return None
        return LossRows(self.losses(features, predictions), np.ones(len(predictions)), self.spreads).expected(metric)


@dataclass(frozen=True)
class LossRows:
    """Rows with the loss that is expected of each."""

    losses: Mapping[int, Floats]
    """Exponent → (n,)."""
    weights: Floats
    """(n,) how many rows each stands for."""
    spreads: Mapping[int, float]
    """Exponent → standard deviation of one row's loss, in means of it."""

    def expected(self, metric: str) -> Expected | None:
        """One metric of `POWERS`. Raises UnknownNameError."""
        power, n = POWERS[_checked(metric)], float(self.weights.sum())
        if n == 0:
            return None
        value = float(self.weights @ self.losses[power]) / n
        se = value * self.spreads[power] / float(np.sqrt(n))
        if metric != "rmse":
            return Expected(value, se)
        root = float(np.sqrt(value))
        return Expected(root, se / (2 * root) if root > 0 else 0.0)


def _checked(metric: str) -> str:
    if metric not in POWERS:
        raise UnknownNameError("metric", metric, POWERS)
    return metric


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
        {power: _relative_spread(errors**power) for power in powers},
    )


def _relative_spread(losses: Floats) -> float:
    mean = float(losses.mean())
    return float(losses.std()) / mean if mean > 0 else 0.0


def _booster(inputs: Floats, losses: Floats, categories: tuple[int, ...], seed: int) -> lightgbm.Booster:
    import lightgbm

    settings = {"objective": "regression", "verbosity": -1, "seed": seed, "num_threads": 2, "deterministic": True}
    data = lightgbm.Dataset(inputs, losses, categorical_feature=list(categories))
    return lightgbm.train(settings | {"force_row_wise": True}, data, num_boost_round=100)


@dataclass(frozen=True)
class FeatureEstimator:
    """A direct-loss estimator that reads the charter's features."""

    encoding: Encoding
    learned: DirectLossEstimator


class DirectLossMethod:
    """DLE in a loop; see `base.Method`. It tells rows apart by their features, so cohorts need no estimator of their own."""

    assumption = (
        "Estimated by a second model that learned how wrong the predictions were for which inputs: it follows changes of the"
        " inputs, and does not see a change in what they mean (concept drift). The realised metric decides when labels are in."
    )
    features = True

    def select(self, charter: Charter) -> str:
        return sampled(["score", *(quoted(feature.name) for feature in _readable(charter))])

    def enough(self, group: Group) -> bool:
        return group.n >= MIN_ROWS

    def fit(self, rows: ReferenceRows) -> Mapping[str | None, FeatureEstimator]:
        if rows.features is None:
            raise ValueError("direct loss estimation needs the features of its reference")
        encoding = Encoding.fit(_readable(rows.charter), rows.features)
        said, came = (rows.features[name].cast(float).to_numpy() for name in ("score", "label"))
        numbers = encoding.transform(rows.features)
        return {
            None: FeatureEstimator(
                encoding, fit_direct_loss(numbers, said, came, categories=tuple(encoding.categorical))
            )
        }

    def told(self, parts: Sequence[tuple[FeatureEstimator, pl.DataFrame]]) -> LossRows:
        losses = [
            one.learned.losses(one.encoding.transform(part), part["score"].to_numpy().astype(np.float64))
            for one, part in parts
        ]
        together = {power: np.concatenate([of_part[power] for of_part in losses]) for power in losses[0]}
        weights = np.concatenate([part["n"].to_numpy() for _, part in parts])
        spreads = {power: max(one.learned.spreads[power] for one, _ in parts) for power in together}
        return LossRows(together, weights, spreads)


def _readable(charter: Charter) -> tuple[Column, ...]:
    """Features that a tree model reads."""
    return tuple(feature for feature in charter.features if feature.type != "text")
