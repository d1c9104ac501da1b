"""Files and databases from outside as streams of Arrow batches. Text is read as text: a bad cell costs its row only."""

from __future__ import annotations

import gzip
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import duckdb

from loop_core.errors import SourceError
from loop_core.lake.extensions import connect
from loop_core.lake.unreadable import unreadable_cell
from loop_core.paths import plain, scratch_file

if TYPE_CHECKING:
    import pyarrow as pa

#: What reading may hold in memory, whatever the size of the source.
MEMORY = "700MB"
#: Longest record of a text file; a longer one is an error in the file (an unclosed quote, a document in a cell).
MAX_RECORD_BYTES = 2_000_000


@dataclass(frozen=True)
class Rejected:
    """A line of a text file that is no record."""

    line: int
    """1-based line in the file."""
    text: str
    reason: str


@dataclass(frozen=True)
class Relation:
    """Something DuckDB can select from, not opened yet."""

    sql: str
    """A FROM item; its values are bound as `$name`."""
    parameters: Mapping[str, Any]
    extensions: tuple[str, ...] = ()
    setup: tuple[str, ...] = field(default=(), repr=False)
    """Statements to run before, e.g. an ATTACH."""
    rewrite: Callable[[Path], None] | None = None
    """Writes a copy of the file that can be read, where the file itself cannot; the copy is gone afterwards."""
    rejected: tuple[Rejected, ...] = field(default=(), repr=False)
    """Lines that are no records, known before the others are read."""
    parquet: Path | None = None
    """The Parquet file that it is; None: it is none."""


@dataclass(frozen=True)
class Reader:
    """An open relation."""

    relation: Relation
    _connection: duckdb.DuckDBPyConnection = field(repr=False)

    def columns(self) -> dict[str, str]:
        """Column → DuckDB type, in order."""
        rows = self.run(f"describe select * from {self.relation.sql}").fetchall()
        return {row[0]: row[1] for row in rows}

    def batches(self, sql: str, rows: int, parameters: Mapping[str, Any] | None = None) -> Iterator[pa.RecordBatch]:
        """Arrow batches of about `rows` rows of a query; `{source}` in `sql` stands for the relation."""
        result = self.run(sql.replace("{source}", self.relation.sql), parameters)
        try:
            yield from result.to_arrow_reader(rows)
        except (duckdb.Error, OSError) as error:
            raise self._explained(error) from error

    def rejected(self) -> list[Rejected]:
        """Lines that were no records, known once the batches were read to their end."""
        try:
            rows = self._connection.execute(
                "select line, any_value(coalesce(csv_line, '')), any_value(error_type::varchar)"
                " from reject_errors group by line order by line"
            ).fetchall()
        except duckdb.CatalogException:  # no CSV was read, so the table of rejects was never made
            return list(self.relation.rejected)
        return [Rejected(*row) for row in rows]

    def run(self, sql: str, parameters: Mapping[str, Any] | None = None) -> duckdb.DuckDBPyConnection:
        """A statement over the relation, whose values are bound."""
        try:
            return self._connection.execute(sql, {**self.relation.parameters, **(parameters or {})})
        except duckdb.Error as error:
            raise self._explained(error) from error

    def run_alone(self, sql: str, parameters: Mapping[str, Any] | None = None) -> duckdb.DuckDBPyConnection:
        """A statement over other things, e.g. a table made of the relation."""
        try:
            return self._connection.execute(sql, parameters or {})
        except duckdb.Error as error:
            raise explain(error) from error

    def _explained(self, error: Exception) -> SourceError:
        """An error of reading the relation: of a Parquet file, with the cell that it is about."""
        cell = None
        if self.relation.parquet is not None and isinstance(
            error, (duckdb.ConversionException, duckdb.InvalidInputException)
        ):
            cell = unreadable_cell(self.relation.parquet)
        return cell or explain(error)


@contextmanager
def opened(relation: Relation) -> Iterator[Reader]:
    """Open a relation on a connection of its own. Raises SourceError when it cannot be read."""
    connection = connect(*relation.extensions)
    copy: Path | None = None
    try:
        connection.execute(f"set memory_limit = '{MEMORY}'")
        connection.execute("set temp_directory = ''")
        # Room for several batches between the threads that read and the one that takes; with less, only one works.
        connection.execute("set streaming_buffer_size = '64MB'")
        connection.execute("set produce_arrow_string_view = true")
        for statement in relation.setup:
            connection.execute(statement)
        if relation.rewrite is not None:
            copy = scratch_file()
            relation.rewrite(copy)
            relation = replace(relation, parameters={**relation.parameters, "path": str(copy)})
        yield Reader(relation, connection)
    except duckdb.Error as error:
        raise explain(error) from error
    finally:
        connection.close()
        if copy is not None:
            copy.unlink(missing_ok=True)


def csv_relation(
    path: Path, columns: list[str], delimiter: str, rewrite: Callable[[Path], None] | None = None
) -> Relation:
    """A delimited text file with a header, every column as text; see `Relation` for `rewrite`."""
    sql = (
        "read_csv($path, auto_detect = false, header = true, delim = $delimiter, quote = '\"', escape = '\"',"
        " columns = $columns, store_rejects = true, max_line_size = $longest)"
    )
    types = dict.fromkeys(columns, "VARCHAR")
    bound = {"path": str(plain(path)), "delimiter": delimiter, "columns": types, "longest": MAX_RECORD_BYTES}
    return Relation(sql, bound, rewrite=rewrite)


def open_binary(path: Path) -> BinaryIO | gzip.GzipFile:
    """A file's bytes, unpacked where it ends in `.gz`."""
    return gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb")


def parquet_relation(path: Path) -> Relation:
    """A Parquet file with the types it declares."""
    return Relation("read_parquet($path)", {"path": str(plain(path))}, parquet=path)


def sqlite_relation(path: Path, query: str) -> Relation:
    """A query on a SQLite file, every column as text: SQLite's cells need not have their column's type."""
    attach = f"attach {_literal(str(path.absolute()))} as source (type sqlite, read_only)"
    return Relation(
        "sqlite_query('source', $query)",
        {"query": _with_every_digit(path, query)},
        ("sqlite_scanner",),
        ("set sqlite_all_varchar = true", attach),
    )


def _with_every_digit(path: Path, query: str) -> str:
    """The query with its reals as the shortest text that reads back as the same number: by itself SQLite writes 15 digits."""
    try:
        with closing(sqlite3.connect(str(path))) as database:
            found = database.execute(f"select * from ({query}\n) limit 0").description
    except sqlite3.Error as error:
        raise explain(error) from None
    columns = []
    for name, *_ in found:
        cell = '"' + name.replace('"', '""') + '"'
        digits = [f"printf('%!.{n}g', {cell})" for n in (15, 16, 17)]
        shortest = " ".join(f"when cast({text} as real) = {cell} then {text}" for text in digits[:2])
        columns.append(f"case when typeof({cell}) <> 'real' then {cell} {shortest} else {digits[2]} end as {cell}")
    return f"select {', '.join(columns)} from ({query}\n)"


def postgres_relation(url: str, query: str) -> Relation:
    """A query on a PostgreSQL database, streamed."""
    attach = f"attach {_literal(url)} as source (type postgres, read_only)"
    return Relation("postgres_query('source', $query)", {"query": query}, ("postgres_scanner",), (attach,))


def explain(error: Exception) -> SourceError:
    """A reading error in the product's words."""
    first = str(error).strip().splitlines()[0] if str(error).strip() else "no message"
    if isinstance(error, duckdb.OutOfMemoryException):
        return SourceError(
            f"The source has values too large to read in {MEMORY} of memory",
            f"fields of at most {MAX_RECORD_BYTES // 1_000_000} MB",
            "leave the column with the huge field out, or store the document elsewhere and its address here",
        )
    return SourceError(
        f"The source cannot be read ({first})", "a readable file or query", "check it with the program that wrote it"
    )


def _literal(text: str) -> str:
    # ATTACH takes no bound values.
    return "'" + text.replace("'", "''") + "'"
