"""One chunk of typed rows → the rows that pass, and the others with the names of the rules they broke."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from loop_core.gates.rules import rule_name

if TYPE_CHECKING:
    import dataframely as dy

#: Columns of failed rows: which, why, and the row as delivered.
FAILED = {"_row": pl.Int64(), "rules": pl.List(pl.String()), "row_json": pl.String()}


@dataclass(frozen=True)
class Parted:
    """Both halves of a chunk; together they are the whole chunk."""

    accepted: pl.DataFrame
    """The signal's columns and `_row`."""
    failed: pl.DataFrame
    """(n, 3): the columns FAILED; `row_json` holds every value as text."""


def part_rows(schema: type[dy.Schema], frame: pl.DataFrame) -> Parted:
    """Apply the row rules.

    Args:
        schema: of `row_rules`.
        frame: the signal's columns, `_row`, and the marks `_bad` (rules of cells that could not be read) and `_raw`.
    """
    unreadable = (
        frame.filter(pl.col("_bad").is_not_null()) if frame["_bad"].null_count() < frame.height else frame.clear()
    )
    readable = frame.filter(pl.col("_bad").is_null()) if unreadable.height else frame
    named = unreadable.select("_row", rules="_bad", row_json="_raw")
    rows = readable.select(schema.column_names())
    # Nearly every chunk is wholly valid, and then nothing needs to be taken apart.
    if schema.is_valid(rows):
        return Parted(rows, named)
    accepted, failure = schema.filter(rows)
    return Parted(accepted, pl.concat([named, _named(failure)]))


def _named(failure: dy.FailureInfo) -> pl.DataFrame:
    if len(failure) == 0:
        return pl.DataFrame(schema=FAILED)
    details = failure.details()
    broken = [name for name in failure.counts() if name in details.columns]
    rules = pl.concat_list(pl.when(pl.col(name) == "invalid").then(pl.lit(rule_name(name))) for name in broken)
    return details.select(
        "_row", rules=rules.list.drop_nulls().list.unique(maintain_order=True), row_json=_as_json(failure.invalid())
    )


def _as_json(rows: pl.DataFrame) -> pl.Series:
    """Each row as a JSON object of texts that read back as the same values; columns without any value are left out."""
    times = [name for name, kind in rows.schema.items() if isinstance(kind, pl.Datetime)]
    kept = [name for name in rows.columns if name != "_row" and rows[name].null_count() < rows.height]
    if not kept:
        return pl.Series(["{}"] * rows.height)
    texts = rows.with_columns(pl.col(times).dt.to_string("%Y-%m-%dT%H:%M:%S%.6f+00:00")).select(
        pl.col(kept).cast(pl.String)
    )
    return texts.select(pl.struct(kept).struct.json_encode()).to_series()
