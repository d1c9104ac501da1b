"""Where signals come from: a file (csv, tsv, parquet, jsonl, each also .gz where it is text) or a SQL query."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from loop_core.errors import SourceError, UnknownNameError
from loop_core.lake.files import (
    MAX_RECORD_BYTES,
    Relation,
    csv_relation,
    opened,
    parquet_relation,
    postgres_relation,
    sqlite_relation,
)
from loop_core.lake.json_lines import jsonl_relation
from loop_core.signals.line_ends import has_mixed_ends, write_with_one_end
from loop_core.signals.text import TextFacts, header, refuse_names, refuse_other_kind, scan_text, unclosed_quote

if TYPE_CHECKING:
    import pyarrow as pa

#: Memory that one chunk of rows may take while it passes the gates.
CHUNK_BYTES = 48_000_000
MAX_CHUNK_ROWS = 131_072


@dataclass(frozen=True)
class Source:
    """A file or query that can be read; nothing is held open."""

    name: str
    """File name, or the database's address without user and password."""
    columns: dict[str, str]
    """Column → DuckDB type as delivered; text formats deliver VARCHAR."""
    relation: Relation
    content: str | None
    """sha256 of the file; None: a query, whose result is hashed while it is read."""
    rows: int | None
    """About how many rows to expect; None: not known before reading."""
    chunk_rows: int
    """How many rows to hold at once."""
    file: Path | None = None
    """None: a query."""
    stamp: tuple[int, int, int] = (0, 0, 0)
    """Inode, bytes and time of change (ns) of the file when it was hashed."""

    def check_unchanged(self) -> None:
        """Raises SourceError when the file is no longer the one whose hash stands in `content`."""
        if self.file is not None and (not self.file.is_file() or _stamp(self.file) != self.stamp):
            raise SourceError(
                f"{self.name} changed while it was read", todo="ingest it again once its writer has finished"
            )


def read_source(spec: str, sql: str | None = None) -> Source:
    """A file path, or a database address with a query → Source.

    Args:
        spec: `orders.csv`, `.tsv`, `.parquet`, `.jsonl` (text may be `.gz`), `sqlite:///file`, `postgresql://…`.
        sql: the query, for a database; its result's columns are the signal's.

    Raises:
        SourceError: missing, empty, header only, not UTF-8, not what its ending says, or a record too large.

    >>> read_source("nowhere.csv")
    Traceback (most recent call last):
    ...
    loop_core.errors.SourceError: There is no file nowhere.csv. Wanted: a csv, tsv, parquet or jsonl file. To do: check the path.
    """
    path = Path(spec)
    if "://" in str(spec) and not _is_file(path):
        return _database(str(spec), sql)
    if sql is not None:
        raise SourceError(
            f"A query was given for the file {spec}", "a query only with sqlite:/// or postgresql://", "leave it out"
        )
    refuse_no_file(path)
    suffixes = [s for s in path.suffixes if s != ".gz"]
    kind = suffixes[-1].lower() if suffixes else ""
    if kind not in FORMATS or (path.suffix == ".gz" and kind == ".parquet"):
        raise UnknownNameError("file format", path.name, [*FORMATS, *(f"{k}.gz" for k in FORMATS if k != ".parquet")])
    try:
        if kind != ".parquet":
            refuse_other_kind(path)
        source = FORMATS[kind](path)
    except PermissionError:
        raise SourceError(f"{path} may not be read by this user", "a readable file", "change its permissions") from None
    except OSError as error:
        raise SourceError(
            f"{path.name} cannot be read ({error.strerror})", todo="try again, or copy it to a local disk"
        ) from None
    refuse_names(path.name, tuple(source.columns))
    return source


def refuse_no_file(path: Path) -> None:
    """Raises SourceError: there is no file, but nothing, a folder, a pipe that would be waited for, or an endless device."""
    if not _is_file(path):
        raise SourceError(_not_a_file(path), "a csv, tsv, parquet or jsonl file", "check the path")


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name longer than any file's, or with NUL
        return False


def _not_a_file(path: Path) -> str:
    shown = str(path) if len(str(path)) <= 200 else f"{str(path)[:200]}…"
    try:
        exists = path.exists()
    except (OSError, ValueError):  # a name that no file can have
        exists = False
    if not exists:
        return f"There is no file {shown}"
    return f"{shown} is a {'folder' if path.is_dir() else 'pipe or device, not a file'}"


def file_hash(path: Path) -> str:
    """sha256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _stamp(path: Path) -> tuple[int, int, int]:
    facts = path.stat()
    return facts.st_ino, facts.st_size, facts.st_mtime_ns


def _csv(path: Path) -> Source:
    mixed = has_mixed_ends(path)
    facts = _rows_of(path, header_lines=0 if mixed else 1)
    if (line := unclosed_quote(path)) is not None:
        raise _too_large(path, f"the quote opened in line {line:,}")
    columns, delimiter = header(path)
    refuse_names(path.name, columns)
    relation = csv_relation(path, columns, delimiter, partial(write_with_one_end, path) if mixed else None)
    return _source(path, relation, max(1, facts.lines - 1), facts.bytes, dict.fromkeys(columns, "VARCHAR"))


def _jsonl(path: Path) -> Source:
    facts = _rows_of(path, header_lines=0)
    relation = jsonl_relation(path)
    columns = dict(relation.parameters["columns"])
    if not columns:
        first = f"; line {relation.rejected[0].line} is {relation.rejected[0].text[:80]!r}" if relation.rejected else ""
        raise SourceError(
            f"{path.name} holds no JSON objects, one a line{first}",
            todo='write each row as one line, like {"prediction_id": "a1", …}',
        )
    return _source(path, relation, facts.lines, facts.bytes, columns)


def _parquet(path: Path) -> Source:
    import pyarrow.parquet as pq
    from pyarrow import ArrowException

    try:
        file = pq.ParquetFile(path)
        meta, schema = file.metadata, file.schema_arrow
    except (ArrowException, OSError):
        raise SourceError(
            f"{path.name} is not a Parquet file, or not whole", todo="write it again, or give it its true ending"
        ) from None
    refuse_names(path.name, schema.names)
    _refuse_unreadable(path, schema)
    if meta.num_rows == 0:
        raise SourceError(f"{path.name} has columns and no rows", "at least one row", "check what wrote it")
    groups = [meta.row_group(i) for i in range(meta.num_row_groups)]
    for group in groups:
        for i in range(group.num_columns):
            column = group.column(i)
            if column.total_uncompressed_size > MAX_RECORD_BYTES * max(1, column.num_values) + 1_000_000:
                raise _too_large(path, f"column {column.path_in_schema}")
    fattest = max(group.total_byte_size // max(1, group.num_rows) for group in groups)
    return _source(path, parquet_relation(path), meta.num_rows, fattest * meta.num_rows)


def _refuse_unreadable(path: Path, schema: pa.Schema) -> None:
    """Types that DuckDB reads as other numbers than they are."""
    import pyarrow as pa

    for field in schema:
        if pa.types.is_duration(field.type):
            said = f"a duration ({field.type})", "write it as a number, of seconds say"
        elif pa.types.is_decimal256(field.type):
            said = f"a decimal of {field.type.precision} digits", "write it with 38 digits at most, or as a double"
        else:
            continue
        raise SourceError(f"Column {field.name!r} of {path.name} is {said[0]}, which cannot be read", todo=said[1])


#: Ending → how it is opened.
FORMATS: dict[str, Callable[[Path], Source]] = {
    ".csv": _csv,
    ".tsv": _csv,
    ".txt": _csv,
    ".jsonl": _jsonl,
    ".ndjson": _jsonl,
    ".parquet": _parquet,
}


def _database(url: str, sql: str | None) -> Source:
    kind, _, address = url.partition("://")
    if kind not in ("sqlite", "postgresql", "postgres"):
        raise UnknownNameError("database", kind, ["sqlite", "postgresql"])
    name = url if kind == "sqlite" else _without_user(url)
    if not sql or not sql.strip():
        raise SourceError(
            f"{name} was given without a query", "a SELECT whose columns are the signal's", "add the query"
        )
    query = sql.strip().rstrip(";")
    if kind == "sqlite":
        path = Path(address.removeprefix("/"))
        if not path.is_file():
            raise SourceError(f"There is no SQLite file {path}", "sqlite:///path/to/file", "check the path")
        relation = sqlite_relation(path, query)
    else:
        relation = postgres_relation(url, query)
    with opened(relation) as reader:
        return Source(name, reader.columns(), relation, None, None, 65_536)


def _without_user(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname or ''}{f':{parts.port}' if parts.port else ''}{parts.path}"


def _source(path: Path, relation: Relation, rows: int, size: int, columns: dict[str, str] | None = None) -> Source:
    if columns is None:
        with opened(relation) as reader:
            columns = reader.columns()
    fitting = CHUNK_BYTES // max(1, size // max(1, rows))
    chunk = max(16, min(MAX_CHUNK_ROWS, fitting))
    stamp = _stamp(path)
    return Source(path.name, columns, relation, file_hash(path), rows, chunk, path.absolute(), stamp)


def _rows_of(path: Path, header_lines: int) -> TextFacts:
    facts = scan_text(path)
    if facts.lines == 0:
        raise SourceError(
            f"{path.name} is empty", "a header and rows" if header_lines else "rows", "check what wrote it"
        )
    if facts.longest > MAX_RECORD_BYTES:
        raise _too_large(path, f"line {facts.longest_line:,}")
    if facts.lines <= header_lines:
        raise SourceError(f"{path.name} has a header and no rows", "at least one row", "check what wrote it")
    return facts


def _too_large(path: Path, where: str) -> SourceError:
    return SourceError(
        f"{path.name} has a record of more than {MAX_RECORD_BYTES // 1_000_000} MB ({where})",
        "smaller fields",
        "look for an unclosed quote, or leave the column with the huge field out",
    )
