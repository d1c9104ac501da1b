"""The rows of a window and of its reference, for what cannot be told from counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

from loop_core.labels import read_at
from loop_core.lake import quoted
from loop_core.monitor.drift.base import Values
from loop_core.monitor.profiles import answers_of
from loop_core.workspace import Loop

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class Cut:
    """Which rows: a span of prediction time, of everybody or of one cohort value."""

    start: datetime
    end: datetime
    """Exclusive."""
    cohort: str | None = None
    cohort_value: str | None = None


def rows_of(
    loop: Loop, as_of: datetime, cut: Cut, columns: Sequence[str], most: int | None = None, seed: int = 0
) -> pl.DataFrame:
    """The columns of the rows of a cut, in no order; `score` is the champion's own.

    Args:
        most: at most this many rows, an even sample by hash; None: all.
        seed: of the sample.
    """
    conditions, bound = ["predicted_at >= $first and predicted_at < $last"], {"first": cut.start, "last": cut.end}
    more: dict[str, str | int | None] = {}
    if cut.cohort:
        conditions.append(f"{loop.charter.cohort(cut.cohort).sql} is not distinct from $value")
        more["value"] = cut.cohort_value
    if set(columns) & set(answers_of(loop.charter)):
        conditions.append("model_version = $version and score is not null")
        more["version"] = loop.champion(as_of)
    names = ", ".join(quoted(name) for name in columns)
    sampled = ""
    if most is not None:
        sampled, more["seed"] = f" order by hash(prediction_id, $seed::bigint) limit {int(most)}", seed
    sql = f"select {names} from predictions where {' and '.join(conditions)}{sampled}"
    return read_at(loop, as_of).frame(sql, **bound, **more)


def as_values(reference: pl.Series, current: pl.Series, is_number: bool) -> tuple[Values, Values]:
    """Two columns → floats with NaN for null, or codes that both share with −1 for null."""
    import polars as pl

    if is_number:
        return tuple(column.cast(pl.Float64).fill_null(float("nan")).to_numpy() for column in (reference, current))  # type: ignore[return-value]  # two of them
    both = pl.concat([reference.cast(pl.String), current.cast(pl.String)])
    codes = both.rank("dense").cast(pl.Int64).fill_null(0).to_numpy() - 1
    return np.asarray(codes[: len(reference)]), np.asarray(codes[len(reference) :])
