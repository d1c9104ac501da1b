"""Whether a score goes only the way that the charter says, as one number rises."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from loop_core.charter import Column
from loop_core.compare.mutation_result import MutationResult, measured, most_of, number, said
from loop_core.errors import RefusedError

if TYPE_CHECKING:
    import polars as pl

    from loop_core.models import Model

Floats = npt.NDArray[np.float64]
#: Points of the sweep: the quantiles of the values there are, each once.
POINTS = 20
#: Each of these rows is asked at every point.
EVERY = 10
#: A step the wrong way counts from this share of the score's size on; below is rounding.
ROUNDING = 1e-9


@dataclass(frozen=True)
class Sweep:
    """What a model says of rows while one number goes through its values."""

    grid: Floats
    """(n_points,) increasing."""
    scores: Floats
    """(n_rows, n_points)."""
    wrong: Floats
    """(n_rows, n_points − 1) how far each step goes the wrong way; 0 where it does not; infinite: no number."""


def grid_of(rows: pl.DataFrame, feature: Column) -> Floats:
    """(up to `POINTS`,) quantiles of the feature's values, increasing, each once."""
    found = rows[feature.name].drop_nulls().to_numpy().astype(np.float64)
    found = found[np.isfinite(found)]
    if not len(found):
        return np.empty(0)
    return np.asarray(np.unique(np.quantile(found, np.linspace(0, 1, POINTS), method="nearest")))


def sweep(model: Model, rows: pl.DataFrame, feature: Column, grid: Floats) -> Sweep:
    """Score every row at every point of the grid, everything else as it is.

    Args:
        model: of one score a row.
        rows: with the model's features.
        feature: a number whose `monotone` is +1 or −1.
        grid: at least two points, increasing.

    Raises:
        RefusedError: the rows lack a feature of the model.
    """
    import polars as pl

    many = rows.select(pl.all().repeat_by(len(grid)).explode())
    swept = many.with_columns(pl.Series(feature.name, np.tile(grid, rows.height)))
    scores = model.score(swept).reshape(rows.height, len(grid))
    steps = np.diff(scores, axis=1) * feature.monotone
    allowed = ROUNDING * np.maximum(1.0, np.abs(scores[:, 1:]))
    wrong = np.where(steps < -allowed, -steps, 0.0)
    return Sweep(grid, scores, np.where(np.isfinite(steps), wrong, np.inf))


def swept(
    blank: MutationResult, feature: Column, rows: pl.DataFrame, challenger: Model, champion: Model | None
) -> MutationResult:
    """Whether a model goes only the declared way on every `EVERY`th row; one step the wrong way breaks it.

    Args:
        blank: what is tested.
        feature: whose `monotone` is +1 or −1.
        rows: `prediction_id` and the features.
        challenger: who is tested.
        champion: whose share is put beside; None: it cannot score here.

    Raises:
        RefusedError: the rows lack a feature of the challenger.
    """
    grid, some = grid_of(rows, feature), rows[::EVERY]
    if challenger.manifest.classes:
        return replace(blank, reason="Of several classes there is no one score that could rise or fall")
    if feature.type != "number":
        return replace(blank, reason=f"A {feature.type} does not rise; monotone is for numbers")
    if len(grid) < 2:
        return replace(blank, reason=f"The {rows.height:,} newest rows have {len(grid)} values of it")
    found = sweep(challenger, some, feature, grid)
    worst = found.wrong.max(axis=1)
    result = _with_example(measured(blank, int((worst > 0).sum()), worst), some, found)
    if champion is None:
        return result
    try:
        beside = sweep(champion, some, feature, grid).wrong.max(axis=1)
    except RefusedError:
        return result
    return replace(result, champion_share=float((beside > 0).mean()), champion_move=most_of(beside, result))


def _with_example(result: MutationResult, rows: pl.DataFrame, found: Sweep) -> MutationResult:
    row, step = np.unravel_index(int(found.wrong.argmax()), found.wrong.shape)
    if not found.wrong[row, step]:
        return result
    return replace(
        result,
        row=str(rows["prediction_id"][int(row)]),
        value=said(float(found.grid[step])),
        changed=said(float(found.grid[step + 1])),
        before=number(found.scores[row, step]),
        after=number(found.scores[row, step + 1]),
    )
