"""What other model versions said of the same predictions: shadow scores and logged challengers, in the table `scores`."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import TYPE_CHECKING

from loop_core.errors import SourceError, following
from loop_core.lake import quoted
from loop_core.signals.cells import FLAGS, TRAILING
from loop_core.vocabulary import Task

if TYPE_CHECKING:
    import polars as pl

    from loop_core.charter import Charter
    from loop_core.lake import Transaction
    from loop_core.workspace import Loop


def log_scores(loop: Loop, version: str, scores: pl.DataFrame, *, actor: str, as_of: datetime) -> int:
    """Record a version's scores. A score that is there already is replaced; the same scores again change nothing.

    Args:
        loop: the loop.
        version: the model version that said them; it need not be registered.
        scores: (n, ≥ 2) columns `prediction_id`, `score` in [0, 1] (any number in a regression; `score_<class>` for each
            class instead where there are several), and `scored_at` (UTC; absent: `as_of`).
        actor: who brings them.
        as_of: UTC instant of arrival.

    Returns:
        Scores that are new or changed.

    Raises:
        SourceError: a column is missing, an id is null or repeated, or a score is no probability.
    """
    incoming = _checked(loop.charter, version, scores, as_of)
    names = [quoted(name) for name in incoming.columns]
    same, listed = ", ".join(names), ", ".join(f"i.{name}" for name in names)
    table, bound = loop.table("scores"), {"version": version}

    def body(tx: Transaction) -> int:
        tx.register("incoming", incoming)
        known = f"(select * from {table} where model_version = $version)"
        n = int(tx.execute(f"select count(*) from incoming i anti join {known} s using ({same})", bound)[0][0])
        if n:
            tx.execute(
                f"delete from {table} where model_version = $version and prediction_id in (select prediction_id from incoming)",
                bound,
            )
            tx.execute(
                f"insert into {table} (model_version, {same}) select $version, {listed} from incoming i",
                bound,
            )
        return n

    n = loop.lake.write(body, actor=actor, message=f"{incoming.height} scores of {version}") if incoming.height else 0
    # Derived from the content and appended after the commit: a kill in between is mended by logging them again.
    content = _content(incoming)
    with following(
        f"{n:,} scores of {version} are in", "give the same scores once more: that writes their ledger entry"
    ):
        loop.ledger.append(
            kind="scores.logged",
            loop=loop.name,
            subject=version,
            actor=actor,
            as_of=as_of,
            payload={"rows": incoming.height, "content": content},
            key=f"scores:{loop.name}:{version}:{content}",
        )
    return n


def _checked(charter: Charter, version: str, scores: pl.DataFrame, as_of: datetime) -> pl.DataFrame:
    """Columns `prediction_id`, the charter's scores, `score` and `scored_at`, by id."""
    import polars as pl

    wanted = charter.score_columns
    missing = [column for column in ("prediction_id", *wanted) if column not in scores.columns]
    if missing:
        raise SourceError(
            f"The scores of {version} have no column {', '.join(missing)}",
            " and ".join(("prediction_id", *wanted)),
            "add it",
        )
    arrival = pl.lit(as_of, dtype=pl.Datetime("us", "UTC"))
    moment = pl.col("scored_at").cast(pl.Datetime("us", "UTC")) if "scored_at" in scores.columns else arrival
    said = [pl.col(name).cast(pl.Float64) for name in wanted]
    frame = scores.select(_ids(scores.schema["prediction_id"]), *said, moment.alias("scored_at"))
    if charter.loop.classes:
        frame = frame.with_columns(pl.max_horizontal(*wanted).alias("score"))
    fits = pl.all_horizontal(_fits(charter, name) for name in wanted) & pl.col("prediction_id").is_not_null()
    wrong = frame.filter(~fits.fill_null(False)).height
    repeated = frame.height - frame["prediction_id"].n_unique()
    if wrong or repeated:
        given = f"{wrong:,} scores of {version} are {_WRONG[charter.loop.task]} or without id, {repeated:,} ids repeat"
        raise SourceError(given, "one score for each id", "correct the file; nothing was written")
    return frame.sort("prediction_id")


def _ids(kind: pl.DataType) -> pl.Expr:
    """Ids as the gates store them: 17.0 is 17 (see `signals.cells`)."""
    import polars as pl

    column = pl.col("prediction_id")
    text = column.cast(pl.String)
    if kind.is_float():
        whole = column.cast(pl.Int64, strict=False).cast(pl.String)
        told = pl.when(column == column.floor()).then(whole).otherwise(text)
        return pl.when(column.abs() < (2**24 if kind == pl.Float32 else 2**53)).then(told).alias("prediction_id")
    own = text.str.replace(TRAILING, "$1$2").replace(FLAGS)
    return pl.when(~text.is_in(["", "NaN", "nan"])).then(own).alias("prediction_id")


_WRONG = {Task.BINARY: "outside [0, 1]", Task.MULTICLASS: "outside [0, 1]", Task.REGRESSION: "no finite number"}


def _fits(charter: Charter, name: str) -> pl.Expr:
    import polars as pl

    column = pl.col(name)
    return column.is_finite() if charter.loop.task is Task.REGRESSION else column.is_between(0, 1)


def _content(frame: pl.DataFrame) -> str:
    """sha256 over ids and scores in order of id."""
    digest = hashlib.sha256("\n".join(frame["prediction_id"]).encode())
    for name in sorted(set(frame.columns) - {"prediction_id", "scored_at"}):
        digest.update(frame[name].to_numpy().tobytes())
    return digest.hexdigest()
