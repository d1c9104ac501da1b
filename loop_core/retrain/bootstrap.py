"""A champion to start with: trained on the oldest span, or somebody else's of which only logged scores exist."""

from __future__ import annotations

from datetime import datetime

from loop_core.models import register_external
from loop_core.retrain.fit import Recipe, package
from loop_core.retrain.inspection import inspected
from loop_core.retrain.retrain import objective_of
from loop_core.retrain.search import Progress
from loop_core.retrain.space import DEFAULTS, inside, ranges_of
from loop_core.retrain.training import training_set
from loop_core.workspace import Loop

NOT_VALIDATED = "The span is too short to validate without leaking: default parameters and number of trees."


def bootstrap(
    loop: Loop, *, until: datetime, as_of: datetime, actor: str, seed: int, progress: Progress | None = None
) -> str:
    """Train and register a first model with default parameters on rows predicted before `until`.

    It is not released: `loop_core.release.first_release` does that.

    Args:
        loop: the loop.
        until: UTC instant; rows predicted at or after it stay unseen.
        as_of: UTC instant at which it is trained: no label known later is used, and rows whose label horizon has
            not passed by then are left out. With `as_of = until` that costs the newest horizon of rows.
        actor, seed: as for `retrain`.
        progress: called with the share done and a sentence.

    Returns:
        The model version.

    Raises:
        NotReadyError, RefusedError: as `training_set`.
    """
    say = progress or (lambda share, sentence: None)
    say(0.0, f"Reading rows predicted before {until:%Y-%m-%d}")
    training = training_set(loop, as_of, until=until)
    objective = objective_of(loop, training, seed)
    params = inside(DEFAULTS, ranges_of(loop.charter))
    say(0.3, f"Fitting {training.n_rows:,} rows")
    evaluation = objective.evaluate(params) if objective.folds else None
    noted = training if objective.folds else training.noting(NOT_VALIDATED)
    recipe = Recipe(params, seed, None, objective, evaluation, inspected(loop, objective, evaluation))
    version = package(loop, noted, recipe, actor=actor, as_of=as_of)
    say(1.0, f"First model {version} is registered")
    return version


def bootstrap_external(
    loop: Loop, version: str, *, actor: str, as_of: datetime, train_end: datetime | None = None
) -> str:
    """Register a model known only by its logged scores, under the name the log gives it.

    Args:
        loop, version, actor, as_of: as above; `version` is the predictions' `model_version`.
        train_end: first instant of predictions that it certainly did not see; None: unknown.

    Raises:
        RefusedError: the name is empty or a package's.
    """
    return register_external(loop, version, actor=actor, as_of=as_of, train_end=train_end).subject
