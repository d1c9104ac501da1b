"""Scores of a model from a file or query, and scores without a name that get one afterwards."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from loop_core.errors import NotReadyError, RefusedError, SourceError, following
from loop_core.lake import quoted
from loop_core.lake.files import opened
from loop_core.lake.times import representable
from loop_core.signals.cells import Spelling, category, number, present
from loop_core.signals.scores import log_scores
from loop_core.signals.source import Source

if TYPE_CHECKING:
    import polars as pl

    from loop_core.ledger import Entry
    from loop_core.workspace import Loop

#: Kind of the entry that says which model gave scores that came in without a name.
NAMED = "scores.named"
_UNNAMED = "score is not null and model_version is null"


@dataclass(frozen=True)
class ScoresReport:
    """What became of a file of scores."""

    loop: str
    version: str
    source: str
    received: int
    """Scores in it."""
    changed: int
    """Of them, those that are new or other than before."""
    unknown: int
    """About no prediction in the lake: kept, and compared once it is there."""

    @property
    def sentence(self) -> str:
        """For people."""
        said = f"{self.received:,} scores of {self.version} from {self.source}: {self.changed:,} new or changed"
        return f"{said}, {self.unknown:,} about no known prediction." if self.unknown else f"{said}."


def ingest_scores(loop: Loop, source: Source, version: str, *, actor: str, as_of: datetime) -> ScoresReport:
    """Bring a second model's scores of the loop's predictions in. The same scores again change nothing.

    Args:
        loop: the loop.
        source: from `read_source`: `prediction_id`, the charter's score columns, and `scored_at` where it is known (else
            the model is taken to have answered when the prediction was made). Other columns are passed over.
        version: the model's name; it need not be registered.
        actor: who brings them.
        as_of: UTC instant of arrival.

    Raises:
        SourceError: a column is missing, a cell is no score or time, an id repeats, or no id is a prediction's.
        RefusedError: the name is empty.
    """
    if not version.strip():
        raise RefusedError("The model version is empty", todo="name the model that gave these scores")
    frame = _frame(loop, source)
    known = loop.lake.frame(f"select prediction_id, predicted_at from {loop.table('predictions')}")
    frame = frame.join(known, on="prediction_id", how="left", maintain_order="left")
    unknown = frame["predicted_at"].null_count()
    if unknown == frame.height:
        raise SourceError(
            f"None of the {frame.height:,} ids in {source.name} is a prediction of {loop.name}",
            todo="ingest the predictions first, or check the column prediction_id",
        )
    frame = _dated(frame, as_of).drop("predicted_at")
    changed = log_scores(loop, version, frame, actor=actor, as_of=as_of)
    return ScoresReport(loop.name, version, source.name, frame.height, changed, unknown)


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


def _dated(frame: pl.DataFrame, as_of: datetime) -> pl.DataFrame:
    import polars as pl

    told = [pl.col("scored_at")] if "scored_at" in frame.columns else []
    arrival = pl.lit(as_of, dtype=pl.Datetime("us", "UTC"))
    return frame.with_columns(pl.coalesce(*told, "predicted_at", arrival).dt.cast_time_unit("us").alias("scored_at"))


def name_scores(loop: Loop, version: str, *, actor: str, as_of: datetime, reason: str, batch: str | None = None) -> int:
    """Say which model gave the scores that came in without a version. A second time there is nothing left to name.

    Args:
        loop: the loop.
        version: the model's name.
        actor: who says so.
        as_of: UTC instant in the loop's time.
        reason: how it is known; for the record.
        batch: only scores of the batch whose id begins so; None: all that have no version.

    Returns:
        Predictions whose scores have a name now.

    Raises:
        RefusedError: no name or no reason.
        NotReadyError: no score is without a version.
    """
    if not version.strip() or not reason.strip():
        raise RefusedError("Scores are named with a model version and a reason", todo="give both; they go on record")
    with loop.ledger.transaction() as record:
        finish_namings(loop)
        found = loop.lake.rows(
            f"""select coalesce(batch_id, ''), count(*) from {loop.table("predictions")}
            where {_UNNAMED} and ($batch is null or starts_with(batch_id, $batch)) group by 1 order by 1""",
            {"batch": batch},
        )
        n = sum(int(rows) for _, rows in found)
        if not n:
            raise NotReadyError(f"No score of {loop.name} is without a model version", todo="nothing is left to name")
        entry = record.append(
            kind=NAMED,
            loop=loop.name,
            subject=version,
            actor=actor,
            as_of=as_of,
            reason=reason,
            payload={"rows": n, "batch": batch, "batches": [batch_id for batch_id, _ in found]},
        )
    # The entry is the commit point: what it says is done here, or by whatever runs next after a kill.
    with following(f"It is on record that {n:,} scores are {version}'s", "the next ingest writes the name to them"):
        _write_name(loop, entry)
    return n


def finish_namings(loop: Loop) -> None:
    """Write the names that are on record to scores that still lack them, because the naming was killed."""
    entries = [entry for entry in loop.entries(NAMED) if "batches" in entry.payload]
    if entries and loop.lake.rows(f"select 1 from {loop.table('predictions')} where {_UNNAMED} limit 1"):
        for entry in entries:
            _write_name(loop, entry)


def _write_name(loop: Loop, entry: Entry) -> None:
    """Only scores of the batches that the entry names: what came in since is not what somebody looked at."""
    where = f"{_UNNAMED} and list_contains($batches, coalesce(batch_id, ''))"
    table, of_entry = loop.table("predictions"), {"batches": entry.payload["batches"]}
    if not loop.lake.rows(f"select 1 from {table} where {where} limit 1", of_entry):
        return
    answered = "route = case route when 'history' then 'champion' else route end"
    sql = f"update {table} set model_version = $version, {answered} where {where}"
    bound = {**of_entry, "version": entry.subject}
    loop.lake.write(lambda tx: tx.execute(sql, bound), actor=entry.actor, message=f"scores named {entry.subject}")
