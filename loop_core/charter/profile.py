"""What a file's columns look like, from its first rows."""

from __future__ import annotations

import csv
import gzip
import re
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from loop_core.errors import SourceError, UnknownNameError
from loop_core.paths import plain

if TYPE_CHECKING:
    import polars as pl

#: Rows looked at.
SAMPLE_ROWS = 200_000
_LISTED = 50


@dataclass(frozen=True)
class ColumnProfile:
    """One column of the sample."""

    name: str
    kind: Literal["integer", "real", "flag", "timestamp", "text"]
    rows: int
    nulls: int
    distinct: int
    """Different values, null not counted."""
    low: float | None
    """Smallest number; None: no numbers."""
    high: float | None
    values: tuple[str, ...]
    """Texts, sorted; empty where there are more than 50."""
    naive: bool
    """Times without a zone."""
    early: date | None = None
    """The day before which one in a hundred of its times is; None: no times."""

    @property
    def empty(self) -> bool:
        return self.distinct == 0

    @property
    def unique(self) -> bool:
        """No null and no value twice."""
        return self.nulls == 0 and self.distinct == self.rows

    @property
    def binary(self) -> bool:
        """Yes or no: a flag, or the numbers 0 and 1."""
        return self.kind == "flag" or (self.distinct == 2 and (self.low, self.high) == (0, 1))

    @property
    def within_unit(self) -> bool:
        """Numbers in [0, 1]."""
        return self.low is not None and self.high is not None and self.low >= 0 and self.high <= 1

    @property
    def looks_like_id(self) -> bool:
        """A key rather than a quantity."""
        return bool(re.search(r"(^|_)(id|uuid|key)$", self.name.lower())) or (self.kind == "text" and self.unique)


def profile_file(path: Path) -> tuple[ColumnProfile, ...]:
    """Profile the first SAMPLE_ROWS rows of a csv, tsv (each also .gz), parquet or jsonl file.

    Raises:
        SourceError: missing, unreadable or without rows.
        UnknownNameError: another format.
    """
    frame = _read(path)
    if not frame.height or not frame.width:
        raise SourceError(f"{path.name} has no rows", "a header and rows", "give a file with data")
    return tuple(_profile(frame[name]) for name in frame.columns)


def _read(path: Path) -> pl.DataFrame:
    import polars as pl

    if not path.is_file():
        raise SourceError(f"There is no file {path}", "a csv, tsv, parquet or jsonl file", "check the path")
    kind = next((suffix for suffix in reversed(path.suffixes) if suffix != ".gz"), "").lower()
    try:
        if kind == ".parquet":
            return pl.read_parquet(path, n_rows=SAMPLE_ROWS, glob=False)
        if kind in (".jsonl", ".ndjson"):
            return _dated(pl.scan_ndjson(plain(path), n_rows=SAMPLE_ROWS, infer_schema_length=10_000).collect())
        if kind in (".csv", ".tsv", ".txt"):
            options = {"infer_schema_length": 20_000, "n_rows": SAMPLE_ROWS, "try_parse_dates": True, "glob": False}
            return _dated(pl.read_csv(path, separator=_delimiter(path), **options))  # type: ignore[arg-type]
    except (pl.exceptions.PolarsError, OSError, UnicodeDecodeError, csv.Error) as error:
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise SourceError(
            f"{path.name} cannot be read ({first})", "a whole file in UTF-8", "check it with what wrote it"
        ) from None
    raise UnknownNameError("file format", path.name, (".csv", ".tsv", ".parquet", ".jsonl"))


def _delimiter(path: Path) -> str:
    with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as file:
        line = file.readline(1_000_000)
    return max(",;\t|", key=line.count)


def _dated(frame: pl.DataFrame) -> pl.DataFrame:
    """Texts that are all times become times; with a zone, they become UTC."""
    import polars as pl

    for column in frame.select(pl.col(pl.String)).columns:
        text = frame[column].drop_nulls()
        if not len(text) or not text.head(20).str.contains(r"^\d{4}-\d\d-\d\d").all():
            continue
        zoned = text.head(20).str.contains(r"\d\d(Z|[+-]\d\d:?\d\d)$").any()
        parsed = text.str.to_datetime(strict=False, time_zone="UTC") if zoned else text.str.to_datetime(strict=False)
        # A few that are none, an infinity among them, are for the gates.
        if parsed.null_count() <= 0.01 * len(text):
            frame = frame.with_columns(pl.col(column).str.to_datetime(strict=False, time_zone="UTC" if zoned else None))
    return frame


def _profile(series: pl.Series) -> ColumnProfile:
    import polars as pl

    kind = _kind(series.dtype)
    if kind == "text":
        # Lists and structs are described by their text; they become context at most.
        series = (
            series.cast(pl.String, strict=False)
            if not series.dtype.is_nested()
            else series.map_elements(str, pl.String)
        )
    values = series.drop_nulls()
    distinct = int(values.n_unique())
    numbers = kind in ("integer", "real") and distinct > 0
    listed = tuple(sorted(values.unique().to_list())) if kind == "text" and distinct <= _LISTED else ()
    return ColumnProfile(
        name=series.name,
        kind=kind,
        rows=len(series),
        nulls=series.null_count(),
        distinct=distinct,
        low=float(values.min()) if numbers else None,  # type: ignore[arg-type]
        high=float(values.max()) if numbers else None,  # type: ignore[arg-type]
        values=listed,
        naive=kind == "timestamp" and getattr(series.dtype, "time_zone", None) is None,
        early=_early(values) if kind == "timestamp" and distinct else None,
    )


def _early(times: pl.Series) -> date | None:
    import polars as pl

    days = times.dt.epoch("d")
    day = days.cast(pl.Float64).quantile(0.01)
    # What no calendar holds is left to the gates.
    return date(1970, 1, 1) + timedelta(days=int(day)) if day is not None and -600_000 < day < 2_000_000 else None


def _kind(dtype: pl.DataType) -> Literal["integer", "real", "flag", "timestamp", "text"]:
    import polars as pl

    if dtype == pl.Boolean:
        return "flag"
    if dtype.is_integer():
        return "integer"
    if dtype.is_numeric():
        return "real"
    return "timestamp" if dtype in (pl.Date, pl.Datetime) else "text"
