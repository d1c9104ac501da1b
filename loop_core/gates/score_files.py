"""A file or query of another model's scores → the frame that `gates.scores` takes."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from loop_core.errors import RefusedError, SourceError
from loop_core.gates.report import BatchReport
from loop_core.gates.scores import log_scores
from loop_core.lake import quoted
from loop_core.lake.files import opened
from loop_core.lake.times import representable
from loop_core.signals.cells import Spelling, category, number, present
from loop_core.signals.source import Source

if TYPE_CHECKING:
    import polars as pl

    from loop_core.workspace import Loop


def ingest_scores(loop: Loop, source: Source, version: str, *, actor: str, as_of: datetime) -> BatchReport:
    """Bring another model's scores of the loop's predictions in. The same scores again change nothing.

    Args:
        loop: the loop.
        source: from `read_source`: `prediction_id`, the charter's score columns, and `scored_at` where it is known (else
            the model is taken to have answered when the prediction was made). Other columns are passed over.
        version: the model's name; it need not be registered.
        actor: who brings them.
        as_of: UTC instant of arrival.

    Returns:
        What became of every score: accepted + unchanged = received.

    Raises:
        SourceError: a column is missing, a cell is no score or time, an id repeats, or no id is a prediction's.
        RefusedError: the name is empty.
        StorageError: the workspace cannot be written. Nothing entered then.
    """
    if not version.strip():
        raise RefusedError("The model version is empty", todo="name the model that gave these scores")
    frame = _frame(loop, source)
    return log_scores(loop, version, frame, actor=actor, as_of=as_of, source=source.name, about_known=True)


def _frame(loop: Loop, source: Source) -> pl.DataFrame:
    """`prediction_id`, the score columns as numbers, and `scored_at` (null: not known)."""
    import polars as pl

    wanted = ("prediction_id", *loop.charter.score_columns)
    if missing := [name for name in wanted if name not in source.columns]:
        raise SourceError(
            f"{source.name} has no column {', '.join(missing)}", todo=f"scores come in columns {', '.join(wanted)}"
        )
    given = {name: present(quoted(name), source.columns[name]) for name in wanted}
    cells = {name: number(given[name], source.columns[name], Spelling()) for name in loop.charter.score_columns}
    moment = f"try_cast({quoted('scored_at')} as timestamptz)" if "scored_at" in source.columns else None
    cells |= {"scored_at": f"case when {representable(moment)} then {moment} end"} if moment else {}
    bad = [f"({given.get(name, quoted(name))} is not null and {cell} is null)" for name, cell in cells.items()]
    own_id = category(given["prediction_id"], source.columns["prediction_id"])
    names = ", ".join(f"{cell} as {quoted(name)}" for name, cell in cells.items())
    sql = f"select {own_id} as prediction_id, {names}, {' or '.join(bad)} as bad_ from {{source}}"
    with opened(source.relation) as reader:
        frames = [pl.DataFrame(pl.from_arrow(batch)) for batch in reader.batches(sql, source.chunk_rows)]
    frame = pl.concat(frames) if frames else pl.DataFrame()
    source.check_unchanged()
    if frame.is_empty():
        raise SourceError(f"{source.name} has no scores", todo="check the file or query")
    if (wrong := frame.filter("bad_")).height:
        raise SourceError(
            f"{wrong.height:,} rows of {source.name} have a score or time that cannot be read, the first about {wrong['prediction_id'][0]!r}",
            todo="correct them; nothing was written",
        )
    return frame.drop("bad_")
