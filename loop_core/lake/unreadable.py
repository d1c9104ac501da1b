"""The cell at which DuckDB gives a Parquet file up: it says neither column nor row, and of times not even the value."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from loop_core.errors import SourceError

if TYPE_CHECKING:
    import pyarrow as pa

_ROWS = 65_536
#: Milliseconds since 1970 beyond which there are no microseconds in 64 bits.
_MOST_MS = (2**63 - 1) // 1000


def unreadable_cell(path: Path) -> SourceError | None:
    """The first cell of a Parquet file, column by column, that is no text or no time; None: there is none.

    The file is read to that cell, or to its end.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    before = 0
    try:
        for batch in pq.ParquetFile(path).iter_batches(_ROWS):
            for name, column in zip(batch.schema.names, batch.columns, strict=True):
                values = column.dictionary_decode() if pa.types.is_dictionary(column.type) else column
                if (found := _text(values) or _time(values)) is not None:
                    place, said, todo = found
                    return SourceError(
                        f"Column {name!r} of {path.name} has {said} in row {before + place + 1:,}", todo=todo
                    )
            before += batch.num_rows
    except (pa.ArrowException, OSError):
        return None
    return None


def _text(values: pa.Array) -> tuple[int, str, str] | None:
    """(place, what it has, what to do) of the first text that is no UTF-8."""
    import pyarrow as pa

    if not (pa.types.is_string(values.type) or pa.types.is_large_string(values.type)):
        return None
    raw = values.cast(pa.large_binary())
    try:
        raw.cast(pa.large_string())
    except pa.ArrowInvalid:
        for place, value in enumerate(raw.to_pylist()):
            try:
                (value or b"").decode()
            except UnicodeDecodeError:
                todo = "write it as UTF-8; of a column of the type binary only the rows that are none are held back"
                return place, f"a text that is no UTF-8, {value[:80]!r},", todo
    return None


def _time(values: pa.Array) -> tuple[int, str, str] | None:
    """The same of the first time that no calendar reaches."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not pa.types.is_timestamp(values.type) or values.type.unit not in ("s", "ms"):
        return None
    counts = values.cast(pa.int64())
    most = _MOST_MS if values.type.unit == "ms" else _MOST_MS // 1000
    beyond = pc.or_(pc.greater(counts, most), pc.less(counts, -most))
    place = pc.index(beyond, True).as_py()
    if place < 0:
        return None
    unit = "milliseconds" if values.type.unit == "ms" else "seconds"
    said = f"a time {counts[place].as_py():,} {unit} from 1970, which is beyond every calendar,"
    return place, said, "correct it, or leave the row out"
