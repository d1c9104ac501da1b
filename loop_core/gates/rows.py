"""One chunk of typed rows → the rows that pass, and the others with the names of the rules they broke."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from loop_core.gates.rules import rule_name

if TYPE_CHECKING:
    import dataframely as dy
    import polars as pl


@dataclass(frozen=True)
class Parted:
    """Both halves of a chunk; together they are the whole chunk."""

    accepted: pl.DataFrame
    """The signal's columns and `_row`."""
    failed: pl.DataFrame
    """(n, 3): `_row`, `rules` (list of names), `row_json` (the row as delivered, every value as text)."""


def part_rows(schema: type[dy.Schema], frame: pl.DataFrame) -> Parted:
    """Apply the row rules.

    Args:
        schema: of `row_rules`.
        frame: the signal's columns, `_row`, and the marks `_bad` (rules of cells that could not be read) and `_raw`.
    """
    import polars as pl

    unreadable = frame.filter(pl.col("_bad").is_not_null()) if frame["_bad"].null_count() < frame.height else frame.clear()
    readable = frame.filter(pl.col("_bad").is_null()) if unreadable.height else frame
    accepted, failure = schema.filter(readable.drop("_bad", "_raw"))
    parts = [unreadable.select("_row", rules="_bad", row_json="_raw"), _named(failure)]
    return Parted(accepted, pl.concat([part for part in parts if part.height] or parts[:1]))


def _named(failure: dy.FailureInfo) -> pl.DataFrame:
    import polars as pl

    rows, details = failure.invalid(), failure.details()
    broken = [name for name in failure.counts() if name in details.columns]
    names = [pl.when(pl.col(name) == "invalid").then(pl.lit(rule_name(name))) for name in broken]
    rules = pl.concat_list(names).list.drop_nulls().list.unique(maintain_order=True) if names else pl.lit([], dtype=pl.List(pl.String))
    delivered = pl.struct(_as_text(rows).drop("_row").columns)
    return details.select("_row", rules=rules).with_columns(row_json=_as_text(rows).select(delivered.struct.json_encode()).to_series())


def _as_text(rows: pl.DataFrame) -> pl.DataFrame:
    """Every value as text that reads back as the same value; all-null columns are left out."""
    import polars as pl

    times = [name for name, kind in rows.schema.items() if isinstance(kind, pl.Datetime)]
    kept = [name for name in rows.columns if name == "_row" or rows[name].null_count() < rows.height]
    return rows.with_columns(pl.col(times).dt.to_string("%Y-%m-%dT%H:%M:%S%.6f+00:00")).select(kept).with_columns(pl.exclude("_row").cast(pl.String))
