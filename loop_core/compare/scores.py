"""What a model version said, or would have said, of labelled rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from loop_core.errors import UnknownNameError
from loop_core.lake import Reading, quoted
from loop_core.workspace import Loop

if TYPE_CHECKING:
    import polars as pl

_BATCH = 100_000

_LOGGED = """
    select r.prediction_id, case when r.model_version = $version then r.score else s.score end as score
    from (select prediction_id, model_version, score from rows where {where}) as r
    left join (select prediction_id, any_value(score) as score from scores where model_version = $version
               group by prediction_id) as s using (prediction_id)"""


def score_rows(loop: Loop, reading: Reading, version: str, where: str = "true", **parameters: Any) -> pl.DataFrame:
    """One version's score of every row of `reading.rows` for which `where` holds.

    In this order: the score it served with, the score logged of it beside (table `scores`), a new score from its
    package. A row for which there is none of them is left out; an external model has only logged scores.

    Args:
        where: SQL condition over the columns of `rows`, its `$name` values given as `parameters`.

    Returns:
        Frame (prediction_id, score), no nulls and no NaN.
    """
    import polars as pl

    logged = reading.frame(_LOGGED.format(where=where), version=version, **parameters)
    # NaN in a log is no score; nothing is told from it.
    known = logged.filter(pl.col("score").is_not_null() & pl.col("score").is_not_nan())
    if known.height == logged.height:
        return known
    missing = logged.join(known, on="prediction_id", how="anti").select("prediction_id")
    return pl.concat([known, *_rescored(loop, reading, version, missing, where, parameters)])


def _rescored(
    loop: Loop, reading: Reading, version: str, missing: pl.DataFrame, where: str, parameters: dict[str, Any]
) -> list[pl.DataFrame]:
    import polars as pl

    from loop_core.models import ModelStore

    try:
        model = ModelStore(loop.workspace).load(version)
    except UnknownNameError:
        return []
    columns = ", ".join(quoted(name) for name in loop.charter.feature_names)
    found = []
    for batch in reading.batches(f"select prediction_id, {columns} from rows where {where}", _BATCH, **parameters):
        frame = pl.DataFrame(batch).join(missing, on="prediction_id", how="semi")
        if frame.height:
            found.append(frame.select("prediction_id").with_columns(score=pl.Series(model.score(frame), dtype=pl.Float64)))
    return found
