"""How long a model takes for one answer: measured here, or as the log says."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

from loop_core.compare.inputs import newest_inputs
from loop_core.errors import RefusedError
from loop_core.lake import Reading
from loop_core.workspace import Loop

if TYPE_CHECKING:
    import polars as pl

    from loop_core.models import Model

MEASURED, LOGGED = "measured here", "logged"
#: Answers before the clock counts: the first ones build what later ones find built.
WARM_UP = 20
#: Logged answers from which on a p95 is one.
MIN_LOGGED = 100
_LOGGED = """select count(*), quantile_cont(latency_ms, [0.5, 0.95]) from predictions
  where model_version = $version and isfinite(latency_ms) and latency_ms >= 0"""


@dataclass(frozen=True)
class Timing:
    """Milliseconds for one answer."""

    n: int
    """Answers."""
    p50_ms: float
    p95_ms: float
    source: str
    """`measured here` or `logged`."""


def measured(loop: Loop, models: Sequence[Model], as_of: datetime, *, rows: int, seed: int) -> dict[str, Timing]:
    """Version → how long its package takes here for single rows, from columns to calibrated answer.

    The models take turns on every row, so that whatever else the machine does falls on all of them. Timings differ from run
    to run: they belong into no result that is identified by its content.

    Args:
        loop: the loop.
        models: loaded packages; one that lacks a column of today's rows is left out.
        as_of: UTC instant; the rows are drawn from the newest predictions before it.
        rows: that are timed.
        seed: of the draw.
    """
    frame = newest_inputs(loop, as_of, seed=seed, max_rows=rows)
    able = [model for model in models if frame.height and _answers(model, frame[:1])]
    took: dict[str, list[float]] = {model.version: [] for model in able}
    for place in range(-min(WARM_UP, frame.height), frame.height):
        row = frame[place % frame.height]
        turn = place % max(len(able), 1)
        for model in able[turn:] + able[:turn]:
            before = time.perf_counter()
            model.score(row)
            if place >= 0:
                took[model.version].append(1e3 * (time.perf_counter() - before))
    return {
        version: Timing(len(found), float(np.quantile(found, 0.5)), float(np.quantile(found, 0.95)), MEASURED)
        for version, found in took.items()
    }


def logged(loop: Loop, version: str, as_of: datetime) -> Timing | None:
    """What the log says of the predictions that a version answered by `as_of`; None: under 100 have a latency."""
    n, ends = Reading.at(loop.lake, loop.charter, as_of).rows(_LOGGED, version=version)[0]
    return Timing(n, float(ends[0]), float(ends[1]), LOGGED) if n >= MIN_LOGGED else None


def _answers(model: Model, row: pl.DataFrame) -> bool:
    try:
        model.score(row)
    except RefusedError:
        return False
    return True
