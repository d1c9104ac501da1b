"""What other model versions said of the same predictions: shadow scores and logged challengers, in the table `scores`."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import TYPE_CHECKING

from loop_core.errors import SourceError

if TYPE_CHECKING:
    import polars as pl

    from loop_core.lake import Transaction
    from loop_core.workspace import Loop


def log_scores(loop: Loop, version: str, scores: pl.DataFrame, *, actor: str, as_of: datetime) -> int:
    """Record a version's scores. A score that is there already is replaced; the same scores again change nothing.

    Args:
        loop: the loop.
        version: the model version that said them; it need not be registered.
        scores: (n, ≥ 2) columns `prediction_id`, `score` in [0, 1], and `scored_at` (UTC; absent: `as_of`).
        actor: who brings them.
        as_of: UTC instant of arrival.

    Returns:
        Scores that are new or changed.

    Raises:
        SourceError: a column is missing, an id is null or repeated, or a score is outside [0, 1].
    """
    incoming = _checked(version, scores, as_of)
    table, bound = loop.table("scores"), {"version": version}

    def body(tx: Transaction) -> int:
        tx.register("incoming", incoming)
        changed = "from incoming i anti join (select * from {} where model_version = $version) s using (prediction_id, score, scored_at)"
        n = int(tx.execute(f"select count(*) {changed.format(table)}", bound)[0][0])
        if n:
            tx.execute(
                f"delete from {table} where model_version = $version and prediction_id in (select prediction_id from incoming)",
                bound,
            )
            tx.execute(
                f"insert into {table} (prediction_id, model_version, score, scored_at) select prediction_id, $version, score, scored_at from incoming",
                bound,
            )
        return n

    n = loop.lake.write(body, actor=actor, message=f"{incoming.height} scores of {version}") if incoming.height else 0
    # Derived from the content and appended after the commit: a kill in between is mended by logging them again.
    content = _content(incoming)
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


def _checked(version: str, scores: pl.DataFrame, as_of: datetime) -> pl.DataFrame:
    import polars as pl

    missing = [column for column in ("prediction_id", "score") if column not in scores.columns]
    if missing:
        raise SourceError(
            f"The scores of {version} have no column {', '.join(missing)}", "prediction_id and score", "add it"
        )
    arrival = pl.lit(as_of, dtype=pl.Datetime("us", "UTC"))
    at = pl.col("scored_at").cast(pl.Datetime("us", "UTC")) if "scored_at" in scores.columns else arrival
    frame = scores.select(pl.col("prediction_id").cast(pl.String), pl.col("score").cast(pl.Float64), scored_at=at).sort(
        "prediction_id"
    )
    wrong = frame.filter(
        pl.col("prediction_id").is_null() | ~pl.col("score").is_between(0, 1) | pl.col("score").is_null()
    ).height
    repeated = frame.height - frame["prediction_id"].n_unique()
    if wrong or repeated:
        given = f"{wrong:,} scores of {version} are outside [0, 1] or without id, {repeated:,} ids repeat"
        raise SourceError(given, "one score in [0, 1] for each id", "correct the file; nothing was written")
    return frame


def _content(frame: pl.DataFrame) -> str:
    """sha256 over ids and scores in order of id."""
    digest = hashlib.sha256("\n".join(frame["prediction_id"]).encode())
    digest.update(frame["score"].to_numpy().tobytes())
    return digest.hexdigest()
