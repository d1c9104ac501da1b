"""What a declared change makes of rows, and how far it moves what a model says of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from loop_core.charter import Column, Mutation

if TYPE_CHECKING:
    import polars as pl

    from loop_core.models import Model

Floats = npt.NDArray[np.float64]
#: A category that no model has seen; where one has, a longer one is taken.
NEVER_SEEN = "(never seen)"


@dataclass(frozen=True)
class Moved:
    """How far one model's answers moved, row by row."""

    size: Floats
    """(n,) largest change of a row's score, over the changes tried and the classes; infinite: it says no number."""
    before: Floats
    """(n,) the score that moved most, before …"""
    after: Floats
    """… and after that change."""
    way: npt.NDArray[np.int64]
    """(n,) number of that change."""
    place: npt.NDArray[np.int64]
    """(n,) which class; 0 where there is one score."""


def changeable(rows: pl.DataFrame, mutation: Mutation) -> pl.DataFrame:
    """The rows that the change changes: those with a value, for `unit` other than 0."""
    import polars as pl

    value = pl.col(mutation.feature)
    there = value.is_not_null() & (value.is_finite() if rows.schema[mutation.feature].is_float() else True)
    return rows.filter(there & (value != 0) if mutation.change == "unit" else there)


def mutants(rows: pl.DataFrame, mutation: Mutation, feature: Column, known: set[str], seed: int) -> Iterator[pl.Series]:
    """The feature's values after the change, once for each way it can happen.

    Noise is tried at both ends of the measurement step and at a drawn place within it: a tree's threshold may lie anywhere.

    Args:
        rows: that have a value.
        mutation: the declared change.
        feature: its column; `min` and `max` bound what noise can make of a value.
        known: categories that some model has seen.
        seed: of the drawn noise.
    """
    import polars as pl

    values = rows[mutation.feature]
    if mutation.change == "null":
        yield pl.Series(values.name, [None] * len(values), dtype=values.dtype)
    elif mutation.change == "unseen":
        word = NEVER_SEEN
        while word in known:
            word += "*"
        yield pl.Series(values.name, [word] * len(values), dtype=pl.String)
    elif mutation.change == "unit":
        yield values * mutation.factor
    else:
        half = (mutation.step or 0.0) / 2
        drawn = np.random.default_rng(seed).uniform(-half, half, len(values))
        for shift in (np.full(len(values), -half), np.full(len(values), half), drawn):
            yield (values + pl.Series(shift)).clip(feature.min, feature.max)


def moved(model: Model, rows: pl.DataFrame, mutations: list[pl.Series]) -> Moved:
    """The largest move of each row's score under several changes of one column.

    Raises:
        RefusedError: the rows lack a feature of the model.
    """
    before = _wide(model.score(rows))
    tried = np.stack([_wide(model.score(rows.with_columns(values))) for values in mutations])
    sizes = _distance(before, tried)
    n = rows.height
    # Of equal moves the first: so that the same rows give the same example.
    which = sizes.reshape(len(tried), n, -1).max(axis=2).argmax(axis=0)
    place = sizes[which, np.arange(n)].argmax(axis=1)
    after = tried[which, np.arange(n), place]
    return Moved(sizes[which, np.arange(n), place], before[np.arange(n), place], after, which, place)


def _wide(scores: Floats) -> Floats:
    """(n, n_classes), or (n, 1) of one score."""
    return scores if scores.ndim == 2 else scores[:, None]


def _distance(before: Floats, after: Floats) -> Floats:
    gaps = np.abs(after - before)
    return np.where(np.isfinite(gaps), gaps, np.inf)
