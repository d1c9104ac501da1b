"""The newest rows as a model is asked them: what its answers are tried on. Labels play no part."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

from loop_core.lake import Reading, quoted
from loop_core.workspace import Loop

if TYPE_CHECKING:
    import polars as pl

    from loop_core.models import Model

#: Rows that are tried.
MAX_ROWS = 2_000
#: They are drawn from this many times as many of the newest.
_POOL = 10

# The instant first, from one column: to sort whole rows for the newest of ten millions takes seconds.
_SINCE = "select predicted_at from predictions order by predicted_at desc limit 1 offset {pool}"
_ROWS = "select prediction_id, {features} from predictions where $since::timestamptz is null or predicted_at >= $since order by predicted_at desc, prediction_id limit {pool}"


def newest_inputs(
    loop: Loop, as_of: datetime, *, seed: int = 0, max_rows: int = MAX_ROWS, snapshot: int | None = None
) -> pl.DataFrame:
    """(up to `max_rows`, 1 + n_features): `prediction_id` and the charter's features, drawn from the newest predictions.

    Args:
        loop: the loop.
        as_of: UTC instant; only predictions made before it.
        seed: of the draw.
        max_rows: rows at most.
        snapshot: lake snapshot to read; None: the newest.
    """
    import polars as pl

    reading, pool = Reading.at(loop.lake, loop.charter, as_of, snapshot), _POOL * max_rows
    older = reading.rows(_SINCE.format(pool=pool))
    features = ", ".join(quoted(name) for name in loop.charter.feature_names)
    since = older[0][0] if older else None
    found = reading.frame(_ROWS.format(features=features, pool=pool), since=since).sort("prediction_id")
    if found.height <= max_rows:
        return found
    drawn = np.sort(np.random.default_rng(seed).choice(found.height, max_rows, replace=False))
    return found[pl.Series(drawn)]


def scorer(loop: Loop, version: str | None) -> Model | None:
    """The model of a version; None: it cannot score here, because it is external or there is none.

    Raises:
        UnknownNameError: the version is not registered in this loop.
        IntegrityError: its package was changed.
    """
    from loop_core.models import ModelStore, manifest_of

    if version is None or manifest_of(loop, version).kind == "external":
        return None
    return ModelStore(loop.workspace).load(version)
