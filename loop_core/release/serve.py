"""Serve past predictions with the champion of their time: what a replay does where production would have answered."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from loop_core.lake import Transaction, quoted
from loop_core.models import ModelStore, manifest_of
from loop_core.vocabulary import Route
from loop_core.workspace import Loop

if TYPE_CHECKING:
    import polars as pl

_BATCH = 200_000

#: Rows of a span that another version answered, or nobody. The time bounds let DuckLake skip other months' files.
_WAITING = "predicted_at >= $start and predicted_at < $end and model_version is distinct from $version"


def serve(loop: Loop, start: datetime, end: datetime, *, actor: str) -> int:
    """Answer every prediction in [start, end) with whoever was champion when it was made.

    A champion trained here scores the rows; an external one gives the scores it logged. A score that another
    version had logged on such a row is kept in table `scores`.

    Returns:
        Rows answered. Calling it again answers nothing twice.
    """
    return sum(_serve_span(loop, *span, actor) for span in _spans(loop, start, end))


def _spans(loop: Loop, start: datetime, end: datetime) -> list[tuple[str, datetime, datetime]]:
    """[start, end) cut where the champion changed; what lies before the first release is left out."""
    tenures = loop.tenures(end)
    ends = [since for _, since in tenures[1:]] + [end]
    spans = (
        (version, max(since, start), min(until, end)) for (version, since), until in zip(tenures, ends, strict=True)
    )
    return [span for span in spans if span[1] < span[2]]


def _serve_span(loop: Loop, version: str, start: datetime, end: datetime, actor: str) -> int:
    answered = 0
    for scores in _answers(loop, version, start, end):
        loop.lake.write(
            partial(_answer, loop=loop, scores=scores, version=version), actor=actor, message=f"served by {version}"
        )
        answered += len(scores)
    return answered


def _answers(loop: Loop, version: str, start: datetime, end: datetime) -> Iterator[pl.DataFrame]:
    """Frames (prediction_id, predicted_at, score, answered: whether somebody scored them before) of the rows that wait."""
    import polars as pl

    span = {"start": start, "end": end, "version": version}
    if manifest_of(loop, version).kind == "external":
        yield loop.lake.frame(
            f"select p.prediction_id, p.predicted_at, {_listed(loop, 's.')}, p.score is not null as answered from (from {loop.table('predictions')} where {_WAITING}) as p"
            f" join {loop.table('scores')} as s on s.prediction_id = p.prediction_id and s.model_version = $version",
            span,
        )
        return
    model = ModelStore(loop.workspace).load(version)
    columns = ", ".join(f'"{name}"' for name in loop.charter.feature_names)
    waiting = f"select prediction_id, predicted_at, score is not null as answered, {columns} from {loop.table('predictions')} where {_WAITING}"
    # Read before the first write, which would change what waits.
    for batch in list(loop.lake.batches(waiting, span, rows=_BATCH)):
        frame = pl.DataFrame(batch)
        yield frame.select("prediction_id", "predicted_at", "answered").hstack(model.answers(frame))


def _answer(tx: Transaction, loop: Loop, scores: pl.DataFrame, version: str) -> None:
    if scores.is_empty():
        return
    tx.register("served", scores)
    bounds = {"first": scores["predicted_at"].min(), "last": scores["predicted_at"].max()}
    if scores["answered"].any():
        _keep_answers(tx, loop, bounds)
    tx.execute(
        f"merge into {loop.table('predictions')} as p using served as s"
        " on p.prediction_id = s.prediction_id and p.predicted_at between $first and $last"
        f" when matched then update set {', '.join(f'{name} = s.{name}' for name in _columns(loop))}, model_version = $version, route = $route",
        {**bounds, "version": version, "route": Route.CHAMPION.value},
    )


def _keep_answers(tx: Transaction, loop: Loop, bounds: dict[str, Any]) -> None:
    """What another version had answered, logged beside before it is written over."""
    tx.execute(
        f"insert into {loop.table('scores')} (prediction_id, model_version, {_listed(loop)}, scored_at)"
        f" select p.prediction_id, p.model_version, {_listed(loop, 'p.')}, p.predicted_at"
        f" from {loop.table('predictions')} as p semi join served as s using (prediction_id) anti join {loop.table('scores')} as known"
        " on known.prediction_id = p.prediction_id and known.model_version = p.model_version"
        " where p.score is not null and p.predicted_at between $first and $last",
        bounds,
    )


def _columns(loop: Loop) -> list[str]:
    """What a model said, as columns: `score`, and of several classes each one's."""
    return [quoted(name) for name in dict.fromkeys(("score", *loop.charter.score_columns))]


def _listed(loop: Loop, table: str = "") -> str:
    return ", ".join(table + name for name in _columns(loop))
