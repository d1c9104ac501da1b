"""Two files side by side: the counts behind a drift report, without a loop. One column at a time is in memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from loop_core.errors import SourceError, UnknownNameError
from loop_core.monitor.profiles.binning import Binning, CategoryBins, Counts, NumberBins
from loop_core.monitor.profiles.learn import EDGE_ROWS, edges_of
from loop_core.monitor.profiles.series import Moments
from loop_core.monitor.profiles.tally import LARGEST
from loop_core.paths import plain
from loop_core.signals.source import refuse_no_file

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa

Kind = Literal["number", "category", "other"]
#: For the rows that edges are learned from.
_SEED = 20180827
_THREADS = 2


@dataclass(frozen=True)
class ColumnPair:
    """One column of two files."""

    column: str
    binning: Binning
    """Learned from the reference."""
    reference: Counts
    """(K,) rows per bin."""
    current: Counts
    """(K,) rows per bin."""
    reference_moments: Moments | None
    """(1,) sums; None: the column is no number."""
    current_moments: Moments | None


@dataclass(frozen=True)
class FilePair:
    """What two files have in common, and what not."""

    columns: tuple[ColumnPair, ...]
    """In the reference's order."""
    n_reference: int
    n_current: int
    gone: tuple[str, ...]
    """Columns of the reference that the current file lacks."""
    new: tuple[str, ...]
    """Columns that only the current file has."""
    changed: tuple[tuple[str, str, str], ...]
    """(column, kind before, kind now) of columns that are numbers in one file and not in the other."""
    left_out: tuple[str, ...]
    """Columns that are neither numbers nor texts nor flags."""


def profile_files(
    reference: Path | str | pl.DataFrame, current: Path | str | pl.DataFrame, *, columns: Sequence[str] | None = None
) -> FilePair:
    """Count two files (Parquet, csv, JSON lines) or frames into the reference's bins. Every row is counted; the ends of
    the bins of numbers are quantiles of `EDGE_ROWS` rows of the reference, drawn with a fixed seed, where it has more.

    Raises:
        SourceError: a file is not there or cannot be read.
        UnknownNameError: a column that the reference lacks.
    """
    before, now = _table(reference), _table(current)
    for name in columns or ():
        if name not in before.kinds:
            raise UnknownNameError("column", name, before.kinds)
    wanted = [name for name in before.kinds if columns is None or name in columns]
    both = [name for name in wanted if name in now.kinds]
    changed = tuple(
        (name, before.kinds[name], now.kinds[name])
        for name in both
        if before.kinds[name] != now.kinds[name] and "nothing" not in (before.kinds[name], now.kinds[name])
    )
    left = {name for name in both if "other" in (before.kinds[name], now.kinds[name])}
    compared = [name for name in both if name not in left | {name for name, *_ in changed}]
    with ThreadPoolExecutor(_THREADS) as pool:
        pairs = tuple(pool.map(partial(_pair, before, now), compared))
    return FilePair(
        pairs,
        before.rows,
        now.rows,
        tuple(name for name in wanted if name not in now.kinds),
        tuple(name for name in now.kinds if name not in before.kinds and columns is None),
        changed,
        tuple(sorted(left)),
    )


@dataclass(frozen=True)
class _Table:
    """A file's columns, read one by one."""

    kinds: Mapping[str, str]
    """Column → number, category, other; nothing: all null, comparable with either."""
    rows: int
    path: Path | None
    table: pa.Table | None

    def column(self, name: str) -> pa.ChunkedArray[Any]:
        if self.table is not None:
            return self.table.column(name)
        import pyarrow.parquet as pq

        # A reader of its own: they cannot be shared between threads. Texts arrive as places in a dictionary.
        with pq.ParquetFile(self.path, read_dictionary=[name] if self.kinds[name] == "category" else None) as file:
            column: pa.ChunkedArray[Any] = file.read(columns=[name], use_threads=False).column(0)
            return column


def _table(source: Path | str | pl.DataFrame) -> _Table:
    import pyarrow.parquet as pq

    if not isinstance(source, Path | str):
        return _of_arrow(source.to_arrow())
    path = Path(source)
    refuse_no_file(path)
    try:
        if path.suffix == ".parquet":
            with pq.ParquetFile(path) as file:
                kinds = {field.name: _kind(field.type) for field in file.schema_arrow}
                return _Table(kinds, file.metadata.num_rows, path, None)
        return _of_arrow(_read(path).to_arrow())
    except FileNotFoundError:
        raise SourceError(f"There is no file {path}", "a csv, parquet or jsonl file", "check the path") from None
    except OSError as error:
        raise SourceError(
            f"{path} cannot be read ({error.strerror or error})", "a csv, parquet or jsonl file", "check the file"
        ) from None
    except ValueError as error:
        raise SourceError(
            f"{path} cannot be read ({error})", "a csv, parquet or jsonl file", "check the file"
        ) from None


def _read(path: Path) -> pl.DataFrame:
    import polars as pl

    name = path.name.removesuffix(".gz")
    try:
        if name.endswith((".jsonl", ".ndjson")):
            return pl.read_ndjson(plain(path), infer_schema_length=10_000)
        return pl.read_csv(path, glob=False, infer_schema_length=10_000)
    except pl.exceptions.PolarsError as error:
        raise SourceError(
            f"{path} cannot be read ({error})", "a csv, parquet or jsonl file", "check the file"
        ) from None


def _of_arrow(table: pa.Table) -> _Table:
    return _Table({field.name: _kind(field.type) for field in table.schema}, table.num_rows, None, table)


def _kind(kind: pa.DataType) -> str:
    import pyarrow as pa

    is_ = pa.types
    if is_.is_null(kind):
        return "nothing"
    if is_.is_floating(kind) or is_.is_integer(kind) or is_.is_decimal(kind):
        return "number"
    inner = kind.value_type if is_.is_dictionary(kind) else kind
    texts = (is_.is_string(inner), is_.is_large_string(inner), is_.is_string_view(inner), is_.is_boolean(inner))
    return "category" if any(texts) else "other"


def _pair(before: _Table, now: _Table, name: str) -> ColumnPair:
    if "category" in (before.kinds[name], now.kinds[name]):
        return _categories(name, _values(before.column(name)), _values(now.column(name)))
    usual = _numbers(before.column(name))
    bins = edges_of(usual[_drawn(len(usual))] if len(usual) > EDGE_ROWS else usual)
    counts, moments = _summed(bins, usual)
    del usual
    return ColumnPair(name, bins, counts, *_swapped(moments, _summed(bins, _numbers(now.column(name)))))


def _swapped(moments: Moments, now: tuple[Counts, Moments]) -> tuple[Counts, Moments, Moments]:
    return now[0], moments, now[1]


@lru_cache(maxsize=4)
def _drawn(rows: int) -> npt.NDArray[np.int64]:
    """(EDGE_ROWS,) places of the rows that edges are learned from, the same for all columns."""
    return np.random.default_rng(_SEED).integers(0, rows, EDGE_ROWS)


def _numbers(column: pa.ChunkedArray[Any]) -> npt.NDArray[np.float64]:
    """(n,) numbers, null as NaN."""
    import pyarrow as pa

    if not pa.types.is_float64(column.type):
        column = column.cast(pa.float64(), safe=False)
    values: npt.NDArray[np.float64] = column.to_numpy()
    return values


def _summed(bins: NumberBins, values: npt.NDArray[np.float64]) -> tuple[Counts, Moments]:
    counts, finite = bins.histogram(values), values
    with np.errstate(over="ignore", invalid="ignore"):
        squares = _squares(values)
    if not squares < LARGEST:  # NaN, infinite or too large to square
        finite = values[np.abs(values) < LARGEST]
        squares = _squares(finite)
    sums = (counts.sum(), counts[-1], len(finite), finite.sum(), squares)
    return counts, Moments(*(np.array([float(x)]) for x in sums))


def _squares(values: npt.NDArray[np.float64]) -> float:
    """Sum of squares; `np.dot` would start threads of its own in each of ours."""
    return float(np.einsum("i,i->", values, values))


def _values(column: pa.ChunkedArray[Any]) -> Counter[str | None]:
    """Rows per text."""
    import pyarrow as pa

    found: Counter[str | None] = Counter()
    for chunk in column.chunks:
        coded = chunk if pa.types.is_dictionary(chunk.type) else _text(chunk).dictionary_encode()
        places = coded.indices.fill_null(len(coded.dictionary)).to_numpy(zero_copy_only=False)
        rows = np.bincount(places, minlength=len(coded.dictionary) + 1)
        names: list[str | None] = [*_text(coded.dictionary).to_pylist(), None]
        for k in np.flatnonzero(rows):
            found[names[k]] += int(rows[k])
    return found


def _text(values: pa.Array[Any]) -> pa.Array[Any]:
    import pyarrow as pa

    return values if pa.types.is_string(values.type) else values.cast(pa.string())


def _categories(name: str, usual: Counter[str | None], found: Counter[str | None]) -> ColumnPair:
    shares = {value: rows for value, rows in usual.items() if value is not None}
    once, total = sum(rows == 1 for rows in shares.values()), sum(shares.values())
    learned = CategoryBins.learn(shares)
    # Without windows nothing says what was new when; values that occur once estimate the rate of new ones (Good 1953).
    bins = CategoryBins(learned.kept, learned.rare, once / total if total else 0.0)
    return ColumnPair(name, bins, _binned(bins, usual), _binned(bins, found), None, None)


def _binned(bins: CategoryBins, values: Counter[str | None]) -> Counts:
    inner, nulls = [values.get(value, 0) for value in bins.kept], values.get(None, 0)
    other = sum(rows for value, rows in values.items() if value in bins.rare)
    return np.array([*inner, other, values.total() - sum(inner) - other - nulls, nulls], dtype=np.float64)
