"""A bounded sample of a span that keeps its days and labels in proportion."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from loop_core.charter import Charter
from loop_core.lake import Reading, quoted
from loop_core.vocabulary import Task

if TYPE_CHECKING:
    import polars as pl

#: At most this many rows a side go to Evidently, which holds several copies of what it is given.
MAX_ROWS = 20_000


def scores_of(charter: Charter) -> list[str]:
    """Columns that hold what the model said."""
    return list(dict.fromkeys(("score", *charter.score_columns)))


@dataclass(frozen=True)
class Sample:
    """Rows of one span."""

    frame: pl.DataFrame
    """(n, columns of the charter, `score` (of several classes also each one's), and `label`)."""
    of: int
    """Rows that the span has."""

    @property
    def n(self) -> int:
        """Rows in the sample."""
        return int(self.frame.height)

    @property
    def sentence(self) -> str:
        """How much of the span this is, for people."""
        if self.n == self.of:
            return f"all {self.of:,} rows"
        return f"a sample of {self.n:,} of {self.of:,} rows, stratified by day and label"


# A row's place within its stratum, as a share, orders all rows such that any first k have the strata in proportion.
_PICKED = """
    select prediction_id from (
      select prediction_id, draw, (row_number() over (partition by stratum order by draw, prediction_id) - 0.5)
        / count(*) over (partition by stratum) as place
      from (select prediction_id, hash(prediction_id, $seed::bigint) as draw,
        (epoch_us(predicted_at) // 86400000000, {label}) as stratum from spanned))
    order by place, draw, prediction_id limit $most"""


def stratified_sample(
    reading: Reading,
    start: datetime,
    end: datetime,
    cohort: tuple[str | None, str | None] = (None, None),
    seed: int = 0,
    most: int = MAX_ROWS,
) -> Sample:
    """All rows predicted in [start, end), or `most` of them with every day and label (0, 1, not known) in proportion.

    The same rows, seed and program give the same sample, whatever order the rows are stored in.
    """
    where, bound = "predicted_at >= $first and predicted_at < $last", {"first": start, "last": end}
    if cohort[0] is not None:
        where += f" and {quoted(f'cohort_{cohort[0]}')} = $cohort_value"
        bound |= {"cohort_value": cohort[1]}  # type: ignore[dict-item]
    spanned = reading.with_views(spanned=f"select * from rows where {where}")
    of = int(spanned.rows("select count(*) from spanned", **bound)[0][0])
    names = ", ".join(
        quoted(name) for name in [*(c.name for c in reading.charter.columns), *scores_of(reading.charter), "label"]
    )
    if of <= most:
        return Sample(spanned.frame(f"select {names} from spanned order by prediction_id", **bound), of)
    # Of numbers, hardly two labels are the same: days alone make the strata.
    label = "null" if reading.charter.loop.task is Task.REGRESSION else "label"
    chosen = spanned.with_views(picked=_PICKED.format(label=label))
    sql = f"select {names} from spanned semi join picked using (prediction_id) order by prediction_id"
    return Sample(chosen.frame(sql, **bound, seed=seed, most=most), of)
