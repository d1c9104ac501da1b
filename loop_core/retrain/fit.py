"""Refit on every training row, calibrate, package, register: a search's result becomes a model of the loop."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from loop_core.charter import WATCHED_OF
from loop_core.models import Calibration, Manifest, ModelStore, register
from loop_core.monitor.groups import Group
from loop_core.monitor.many import measure
from loop_core.monitor.reliability import calibration_error
from loop_core.retrain.calibrate import choose_calibration
from loop_core.retrain.inspection import Check
from loop_core.retrain.learning import learning_of
from loop_core.retrain.objective import Evaluation, Objective, dataset
from loop_core.retrain.space import fixed_params
from loop_core.retrain.training import TrainingSet
from loop_core.vocabulary import Task
from loop_core.workspace import Loop

#: Trees where nothing could be validated.
UNVALIDATED_ROUNDS = 60
_LIBRARIES = ("lightgbm", "numpy", "optuna", "polars", "scikit-learn")


@dataclass(frozen=True)
class Recipe:
    """Everything that decides a model besides its training rows."""

    params: Mapping[str, float | int]
    """The searched parameters."""
    seed: int
    parent: str | None
    objective: Objective | None = None
    """Where the parameters were validated; None: nowhere, the span was too short."""
    evaluation: Evaluation | None = None
    checks: tuple[Check, ...] = ()
    """What was looked at in the rows."""

    @property
    def rounds(self) -> int:
        """Trees of the model."""
        return self.evaluation.rounds if self.evaluation else UNVALIDATED_ROUNDS


def package(
    loop: Loop, training: TrainingSet, recipe: Recipe, *, actor: str, as_of: datetime, text: str | None = None
) -> str:
    """Save a model that was fitted on all rows with its manifest, and register it. The same inputs give the same bytes and
    the same version.

    Args:
        loop, training, actor, as_of: as for `retrain`.
        recipe: what it was made by.
        text: the fitted model; None: it is fitted here.

    Returns:
        The version.
    """
    made, calibration, manifest = assembled(loop, training, recipe, as_of=as_of, text=text)
    version = ModelStore(loop.workspace).save(made, calibration, manifest)
    register(loop, version, actor=actor, as_of=as_of)
    return version


def assembled(
    loop: Loop, training: TrainingSet, recipe: Recipe, *, as_of: datetime, text: str | None = None
) -> tuple[str, Calibration, Manifest]:
    """What a package consists of; see `package`."""
    fixed = fixed_of(loop, training, recipe.seed)
    text = text or fit(training, {**fixed, **recipe.params}, recipe.rounds)
    calibration, validated = _calibration(loop, recipe), _validated(loop, recipe)
    manifest = Manifest(
        loop=loop.name,
        as_of=as_of,
        features=tuple(training.encoding.names),
        types=training.encoding.types,
        categories=training.encoding.categories,
        params={**fixed, **recipe.params, "num_iterations": recipe.rounds},
        snapshot=training.snapshot,
        train_start=training.start,
        train_end=training.end,
        charter_hash=loop.charter.hash,
        seed=recipe.seed,
        libraries={name: importlib.metadata.version(name) for name in _LIBRARIES},
        parent=recipe.parent,
        n_rows=training.n_rows,
        metrics=validated.values | {"label_mean": float(training.y.mean())},
        intervals=validated.intervals,
        calibrated=validated.calibrated,
        checks={check.code: f"{check.state.value}: {check.sentence}" for check in recipe.checks},
        notes=training.notes,
        task=loop.charter.loop.task,
        classes=loop.charter.loop.classes,
        threshold=loop.charter.threshold,
    )
    return text, calibration, manifest


def fit(training: TrainingSet, params: Mapping[str, Any], rounds: int) -> str:
    """One LightGBM model on all rows → its text."""
    import lightgbm as lgb

    data = dataset(training.x, training.y, training, params, weights=training.weights)
    text: str = lgb.train(dict(params), data, rounds).model_to_string()
    return text


def fixed_of(loop: Loop, training: TrainingSet, seed: int) -> dict[str, Any]:
    """Parameters that the task, the charter and the seed fix."""
    return fixed_params(learning_of(loop.charter).params, seed, monotone_of(loop, training))


def monotone_of(loop: Loop, training: TrainingSet) -> list[int]:
    """For each feature in the model's order +1, −1 or 0, as the charter says."""
    wanted = {feature.name: feature.monotone for feature in loop.charter.features}
    return [wanted[name] if training.encoding.types[name] == "number" else 0 for name in training.encoding.names]


def _calibration(loop: Loop, recipe: Recipe) -> Calibration:
    if recipe.objective is None or recipe.evaluation is None or loop.charter.loop.task is Task.REGRESSION:
        return Calibration()
    labels = [recipe.objective.labels(index) for index in range(len(recipe.evaluation.folds))]
    return choose_calibration([(y, fold.scores) for y, fold in zip(labels, recipe.evaluation.folds, strict=True)])


@dataclass(frozen=True)
class _Validated:
    """What the validation rows say, pooled over the folds, before calibration."""

    values: dict[str, float | None]
    """Metric → value, with the objective that the search minimised and the number of rows."""
    intervals: dict[str, tuple[float, float]]
    calibrated: float | None


def _validated(loop: Loop, recipe: Recipe) -> _Validated:
    import numpy as np

    task = loop.charter.loop.task
    if recipe.objective is None or recipe.evaluation is None:
        return _Validated(dict.fromkeys((*WATCHED_OF[task], "objective")) | {"n_validation": 0.0}, {}, None)
    y = np.concatenate([recipe.objective.labels(index) for index in range(len(recipe.evaluation.folds))])
    scores = np.concatenate([fold.scores for fold in recipe.evaluation.folds])
    found = measure(WATCHED_OF[task], Group(scores, y, None, len(y), len(y), frozenset()))
    values = {name: one.value if one else None for name, one in found.items()}
    error = calibration_error(y, scores)[0] if task is Task.BINARY else None
    return _Validated(
        {**values, "objective": recipe.evaluation.value, "n_validation": float(len(y))},
        {name: one.interval for name, one in found.items() if one},
        error,
    )
