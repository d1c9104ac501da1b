"""The models that would have been trained: default parameters, a fixed number of trees, cached by content.

A real retrain searches; a replay of forty of them cannot. One fit with the parameters and the number of trees of a first
model, on exactly the rows that a retrain at that instant would have had, tells policies apart all the same: they differ
in when they learn, and in nothing else.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import time
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from loop_core.errors import NotReadyError
from loop_core.models import Calibration, Manifest, Model
from loop_core.policies.cache import Cache, digest
from loop_core.retrain.fit import UNVALIDATED_ROUNDS, fit, fixed_of
from loop_core.retrain.space import DEFAULTS, inside, ranges_of
from loop_core.retrain.training import TrainingSet, training_set
from loop_core.workspace import Loop

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import polars as pl

    Floats = npt.NDArray[np.float64]

#: Trees of each fit: those of a first model, where nothing could be validated either.
TREES = UNVALIDATED_ROUNDS


@dataclass(frozen=True)
class Fitted:
    """A model that would have been trained."""

    as_of: datetime
    model: Model
    n_rows: int
    train_start: datetime
    train_end: datetime
    seconds: float
    """CPU seconds of the fit when it was made first."""


class Learner:
    """Trains what a policy asks for, once."""

    def __init__(self, loop: Loop, snapshot: int, seed: int, trees: int, cache: Cache) -> None:
        self._loop, self._snapshot, self._seed, self._trees, self._cache = loop, snapshot, seed, trees, cache
        self._made: dict[datetime, Fitted | NotReadyError] = {}
        self._read: dict[datetime, TrainingSet] = {}
        self._answered: dict[tuple[datetime, int, int], Floats] = {}

    def at(self, as_of: datetime) -> Fitted:
        """The model of a retrain at an instant.

        Raises:
            NotReadyError: it could not have been trained then.
            RefusedError: features or labels that no model can learn from.
        """
        if as_of not in self._made:
            try:
                self._made[as_of] = self._stored(as_of)
            except NotReadyError as error:
                self._made[as_of] = error
        made = self._made[as_of]
        if isinstance(made, NotReadyError):
            raise made
        return made

    def answers(self, made: Fitted, frame: pl.DataFrame, first: int, last: int) -> Floats:
        """What a model answers to rows first … last − 1 of a span; policies that share a model share its answers.

        Args:
            made: the model.
            frame: every row of the span.
            first, last: which of them.
        """
        key = (made.as_of, first, last)
        if key not in self._answered:
            self._answered[key] = made.model.score(frame[first:last])
        return self._answered[key]

    def _stored(self, as_of: datetime) -> Fitted:
        """Which rows it learns from is known by the snapshot if nothing was written since; the model by those rows, so
        that new weeks do not change old trainings."""
        pinned = {"snapshot": self._snapshot, "charter": self._loop.charter.hash, **self._recipe(as_of)}
        inputs = self._cache.get("trainings", pinned, lambda: self._inputs(as_of))
        return _fitted(as_of, self._cache.get("models", inputs, lambda: self._fit(self._training(as_of))))

    def _training(self, as_of: datetime) -> TrainingSet:
        if as_of not in self._read:
            self._read = {as_of: training_set(self._loop, as_of, snapshot=self._snapshot)}
        return self._read[as_of]

    def _inputs(self, as_of: datetime) -> dict[str, Any]:
        training = self._training(as_of)
        return {"rows": _rows_hash(training), "params": self._params(training), **self._recipe(as_of)}

    def _recipe(self, as_of: datetime) -> dict[str, Any]:
        library = importlib.metadata.version("lightgbm")
        return {"as_of": as_of.isoformat(), "seed": self._seed, "trees": self._trees, "lightgbm": library}

    def _params(self, training: TrainingSet) -> dict[str, Any]:
        return {**fixed_of(self._loop, training, self._seed), **inside(DEFAULTS, ranges_of(self._loop.charter))}

    def _fit(self, training: TrainingSet) -> dict[str, Any]:
        began = time.process_time()
        text = fit(training, self._params(training), self._trees)
        about = self._loop.charter.loop
        manifest = Manifest(
            loop=self._loop.name,
            as_of=training.as_of,
            features=tuple(training.encoding.names),
            types=training.encoding.types,
            categories=training.encoding.categories,
            train_start=training.start,
            train_end=training.end,
            n_rows=training.n_rows,
            task=about.task,
            classes=about.classes,
        )
        return {"text": text, "manifest": manifest.to_json(), "seconds": round(time.process_time() - began, 3)}


def _fitted(as_of: datetime, stored: dict[str, Any]) -> Fitted:
    manifest = Manifest.from_json(stored["manifest"])
    assert manifest.train_start is not None
    assert manifest.train_end is not None
    model = Model(f"trained {as_of:%Y-%m-%d}", manifest, Calibration(), stored["text"])
    return Fitted(as_of, model, manifest.n_rows, manifest.train_start, manifest.train_end, stored["seconds"])


def _rows_hash(training: TrainingSet) -> str:
    """Of everything that a fit sees of its rows."""
    rows = hashlib.sha256()
    array: npt.NDArray[Any]
    for array in (training.x, training.y, training.at, *(() if training.weights is None else (training.weights,))):
        rows.update(str(array.shape).encode() + array.tobytes())
    encoding = training.encoding
    return digest(
        [rows.hexdigest(), list(encoding.types.items()), {k: list(v) for k, v in encoding.categories.items()}]
    )
