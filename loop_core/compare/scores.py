"""What model versions said, or would have said, of labelled rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from loop_core.errors import UnknownNameError
from loop_core.lake import Reading, quoted
from loop_core.workspace import Loop

if TYPE_CHECKING:
    import polars as pl

    from loop_core.models import Model

_BATCH = 100_000

# One read for all versions: finding the labels of a million rows is what takes the time.
_SCORED = """
    select {columns} from (select * from rows where {where}) as r
    left join (select prediction_id, {logged} from scores where model_version in ({versions}) group by prediction_id) as s
    using (prediction_id)"""


def scored_batches(
    loop: Loop, reading: Reading, versions: Mapping[str, str], select: str, where: str = "true", **parameters: Any
) -> Iterator[pl.DataFrame]:
    """Rows of `reading.rows` with the score of each version, read once, in batches.

    In this order: the score it served with, the score logged of it beside (table `scores`), a new score from its
    package. Where there is none of them it is null; an external model has only logged scores.

    Args:
        versions: name of the score column → model version.
        select: SQL columns of `rows`, called `r`, to have beside.
        where: SQL condition over the columns of `rows`, its `$name` values given as `parameters`.
    """
    import polars as pl

    models = _packages(loop, versions)
    features = [name for name in loop.charter.feature_names if models]
    said = {name: dict(zip(score_names(loop, name), loop.charter.score_columns, strict=True)) for name in versions}
    served = [
        f"case when r.model_version = ${name} then r.{quoted(source)} else s.{column} end as {column}"
        for name, columns in said.items()
        for column, source in columns.items()
    ]
    logged = [
        f"any_value({quoted(source)}) filter (model_version = ${name}) as {column}"
        for name, columns in said.items()
        for column, source in columns.items()
    ]
    sql = _SCORED.format(
        columns=", ".join([select, *served, *(f"r.{quoted(name)} as {quoted(_FEATURE + name)}" for name in features)]),
        where=where,
        logged=", ".join(logged),
        versions=", ".join(f"${name}" for name in versions),
    )
    for batch in reading.batches(sql, _BATCH, **versions, **parameters):
        # NaN in a log is no score; nothing is told from it.
        every = [column for columns in said.values() for column in columns]
        frame = pl.DataFrame(batch).with_columns(pl.col(every).fill_nan(None))
        for name, model in models.items():
            frame = _filled(frame, said[name], model)
        yield frame.drop(_FEATURE + name for name in features)


#: Before the features of the rows, so that none has the name of a column beside.
_FEATURE = "feature_"


def _packages(loop: Loop, versions: Mapping[str, str]) -> dict[str, Model]:
    """Score column → its model, of those that can score."""
    from loop_core.models import ModelStore

    found = {}
    for column, version in versions.items():
        try:
            found[column] = ModelStore(loop.workspace).load(version)
        except UnknownNameError:
            continue
    return found


def score_names(loop: Loop, name: str) -> list[str]:
    """The columns that `scored_batches` gives for one version: the name itself, or of several classes name and place."""
    classes = loop.charter.loop.classes
    return [f"{name}{k}" for k in range(len(classes))] if classes else [name]


def _filled(frame: pl.DataFrame, columns: Mapping[str, str], model: Model) -> pl.DataFrame:
    """The batch with the model's scores where there was none."""
    import polars as pl

    silent = frame[next(iter(columns))].is_null()
    if not silent.any():
        return frame
    waiting = frame.filter(silent).select(pl.col(f"^{_FEATURE}.*$").name.map(lambda name: name.removeprefix(_FEATURE)))
    places, answers = silent.arg_true(), model.answers(waiting)
    return frame.with_columns(frame[column].scatter(places, answers[source]) for column, source in columns.items())
