"""What other model versions said of the same predictions, in the table `scores`: shadow scores and logged challengers.

They come in batches as signals do, each of one model, and are refused whole where one of them is no score. The newest
delivery counts: a score that is there with another value is replaced, and stands again if that delivery is retracted.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from loop_core.errors import SourceError
from loop_core.gates.account import write_batch, write_taken_again
from loop_core.gates.commit import commit
from loop_core.gates.ingest import repair
from loop_core.gates.loss import REPLACED, Loss, find_loss
from loop_core.gates.report import BatchReport
from loop_core.gates.staging import batch_id
from loop_core.lake import Transaction, quoted
from loop_core.signals.cells import FLAGS, TRAILING
from loop_core.vocabulary import Delivery, Task

if TYPE_CHECKING:
    import polars as pl

    from loop_core.charter import Charter
    from loop_core.workspace import Loop


def log_scores(
    loop: Loop,
    version: str,
    scores: pl.DataFrame,
    *,
    actor: str,
    as_of: datetime,
    source: str = "a data frame",
    about_known: bool = False,
) -> BatchReport:
    """Record a version's scores as a batch. The same scores again change nothing, but for those that the lake has lost
    since, or that another batch replaced: they enter anew.

    Args:
        loop: the loop.
        version: the model version that said them; it need not be registered.
        scores: (n ≥ 1, ≥ 2) columns `prediction_id`, `score` in [0, 1] (any number in a regression; `score_<class>` for each
            class instead where there are several), and `scored_at` (UTC; null or absent: when the prediction was made, and
            where nothing is known of it, `as_of`).
        actor: who brings them.
        as_of: UTC instant of arrival.
        source: what they came from, for the record.
        about_known: refuse them where not one is about a prediction in the lake.

    Returns:
        What became of every score: accepted + unchanged = received.

    Raises:
        SourceError: a column is missing, an id is null or repeated, or a score is no probability.
        StorageError: the workspace cannot be written. Nothing entered then.
    """
    incoming = _checked(loop.charter, version, scores)
    if incoming.is_empty():
        raise SourceError(f"{source} has no scores", todo="check the file or query")
    repair(loop)
    content = f"{version}\n{_content(incoming)}"
    ids = _ids_of(loop, loop.lake.rows, content)
    losses = {identity: find_loss(loop, Delivery.SCORES, identity, actor=actor) for identity in ids}
    arrived = _Arrived(loop, version, source, incoming, content, losses, about_known, actor, as_of)
    return commit(loop, None, arrived.settle, actor=actor, message=f"scores of {version} from {source}")


@dataclass(frozen=True)
class _Arrived:
    """Scores on their way into the lake."""

    loop: Loop
    version: str
    source: str
    frame: pl.DataFrame
    content: str
    losses: Mapping[str, Loss | None]
    """Of each id that the batch may have: what the lake lacks of it though it is on record."""
    about_known: bool
    actor: str
    as_of: datetime

    def settle(self, tx: Transaction) -> BatchReport:
        """Write what is new or other than before, with the batch's account."""
        new, changed, unknown = self._judge(tx)
        if self.about_known and unknown == self.frame.height:
            raise SourceError(
                f"None of the {unknown:,} ids in {self.source} is a prediction of {self.loop.name}",
                todo="ingest the predictions first, or check the column prediction_id",
            )
        notes = [f"{unknown:,} of them are about no known prediction, and compared once it is there"] if unknown else []
        identity, later = _ids_of(self.loop, tx.execute, self.content)
        sql = f"select 1 from {self.loop.table('batches')} where batch_id = $batch_id and state = 'ingested'"
        if tx.execute(sql, {"batch_id": identity}):
            if not new and not changed:
                return self._report(identity, 0, "already_ingested", notes)
            loss = self.losses.get(identity)
            if loss is not None and new:
                self._write(tx, identity, "new")
                fresh = self._report(identity, new, "taken_again", notes)
                return write_taken_again(tx, self.loop, fresh, loss, actor=self.actor, as_of=self.as_of)
            identity = later
        loss = self.losses.get(identity)
        again = [f"taken again: {loss.cause}"] if loss is not None else []
        replaced = [f"{changed:,} rows {REPLACED}"] if changed else []
        self._write(tx, identity, "new", "changed")
        report = self._report(identity, new + changed, "ingested", [*again, *replaced, *notes])
        write_batch(tx, self.loop, report, actor=self.actor, as_of=self.as_of, loss=loss)
        return report

    def _judge(self, tx: Transaction) -> tuple[int, int, int]:
        """Fill `told(prediction_id, unknown, predicted_at, outcome)` → scores that are new, that are other than before, and
        that are about no known prediction."""
        tx.register("incoming", self.frame)
        scores = [quoted(name) for name in self.frame.columns if name not in ("prediction_id", "scored_at")]
        # When a score was given counts where it is told: else it is the guess of when it first came in.
        same = " and ".join(f"i.{name} is not distinct from s.{name}" for name in scores)
        tx.execute(
            f"""create or replace temp table told as select i.prediction_id, p.prediction_id is null as unknown, p.predicted_at,
            case when s.prediction_id is null then 'new'
              when {same} and (i.scored_at is null or i.scored_at is not distinct from s.scored_at) then 'unchanged'
              else 'changed' end as outcome
            from incoming i left join (from {self.loop.table("scores")} where model_version = $version) s using (prediction_id)
            left join {self.loop.table("predictions")} p using (prediction_id)""",
            {"version": self.version},
        )
        sql = "select count(*) filter (outcome = 'new'), count(*) filter (outcome = 'changed'), count(*) filter (unknown) from told"
        new, changed, unknown = tx.execute(sql)[0]
        return int(new), int(changed), int(unknown)

    def _write(self, tx: Transaction, identity: str, *outcomes: str) -> None:
        """Scores of these outcomes; those that stood in their place go."""
        table, bound = self.loop.table("scores"), {"version": self.version, "outcomes": list(outcomes)}
        written = "select prediction_id from told where list_contains($outcomes, outcome)"
        tx.execute(f"delete from {table} where model_version = $version and prediction_id in ({written})", bound)
        names = ", ".join(quoted(name) for name in self.frame.columns if name != "scored_at")
        tx.execute(
            f"""insert into {table} ({names}, scored_at, model_version, batch_id)
            select {names}, coalesce(scored_at, predicted_at, $as_of), $version, $batch_id
            from incoming join told using (prediction_id) where list_contains($outcomes, outcome)""",
            bound | {"batch_id": identity, "as_of": self.as_of},
        )

    def _report(self, identity: str, accepted: int, state: str, notes: Sequence[str]) -> BatchReport:
        received = self.frame.height
        return BatchReport(
            batch_id=identity,
            loop=self.loop.name,
            signal=Delivery.SCORES,
            source=self.source,
            received=received,
            accepted=accepted,
            quarantined=0,
            unchanged=received - accepted,
            conflicting=0,
            state=state,
            notes=tuple(notes),
            model_version=self.version,
        )


def _ids_of(loop: Loop, read: Callable[[str, dict[str, str]], list[Any]], content: str) -> tuple[str, str]:
    """The newest id under which a content came in, and the one for when other scores took its place since.

    A content that comes back after that is a batch of its own: taking it out brings back what it replaced.
    """
    known = f"select 1 from {loop.table('batches')} where batch_id = $batch_id"
    ids = [batch_id(loop.name, Delivery.SCORES, content)]
    while True:
        ids.append(batch_id(loop.name, Delivery.SCORES, f"{content}\n{len(ids)}"))
        if not read(known, {"batch_id": ids[-1]}):
            return ids[-2], ids[-1]


def _checked(charter: Charter, version: str, scores: pl.DataFrame) -> pl.DataFrame:
    """Columns `prediction_id`, the charter's scores, `score` and `scored_at` (null: not told), by id."""
    import polars as pl

    wanted = charter.score_columns
    missing = [column for column in ("prediction_id", *wanted) if column not in scores.columns]
    if missing:
        raise SourceError(
            f"The scores of {version} have no column {', '.join(missing)}",
            " and ".join(("prediction_id", *wanted)),
            "add it",
        )
    told = pl.col("scored_at") if "scored_at" in scores.columns else pl.lit(None)
    said = [pl.col(name).cast(pl.Float64) for name in wanted]
    moment = told.cast(pl.Datetime("us", "UTC")).alias("scored_at")
    frame = scores.select(_ids(scores.schema["prediction_id"]), *said, moment)
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
    """sha256 over ids, scores and when they were given, in order of id."""
    digest = hashlib.sha256("\n".join(frame["prediction_id"]).encode())
    for name in sorted(set(frame.columns) - {"prediction_id"}):
        column = frame[name].to_physical()
        digest.update(f"\n{name} {','.join(map(str, column.is_null().arg_true()))}\n".encode())
        digest.update(column.fill_null(0).to_numpy().tobytes())
    return digest.hexdigest()
