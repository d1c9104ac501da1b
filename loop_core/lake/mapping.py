"""Raw files → SQL → Parquet in a staging folder: how a recipe turns a publisher's files into signals."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb

from loop_core.errors import QueryError, SourceError
from loop_core.lake.door import QueryLimits, read_script, read_select
from loop_core.lake.door.limits import Watch
from loop_core.lake.door.pivot import with_values
from loop_core.lake.door.query import failure, lock
from loop_core.lake.extensions import connect
from loop_core.paths import plain

#: What the SQL of a recipe may take where it says nothing else; what does not fit in memory is spilled into the staging folder.
MAPPING_LIMITS = QueryLimits(seconds=3_600, memory_mb=2_000)


class RawFiles:
    """Raw files opened as tables, in a DuckDB of their own that knows nothing of the lake and opens no other file.

    The SQL of a recipe makes tables of them by SELECTs, checked like every query of a person.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, tables: Iterable[str], limits: QueryLimits) -> None:
        self._connection, self._tables, self._limits = connection, set(tables), limits

    def run(self, sql: str, where: str) -> None:
        """Run the statements of a script (tables and views, each by a SELECT). `where` names it in errors."""
        with self._bounded(where):
            for statement, name in read_script(sql, self._tables):
                self._connection.execute(statement)
                self._tables.add(name)

    def to_parquet(self, sql: str, target: Path, where: str) -> int:
        """Write a query's rows, in its order, to one Parquet file; the same rows give the same bytes. Number of rows."""
        with self._bounded(where):
            query = read_select(with_values(sql, self._values) or sql, self._tables).sql.strip().rstrip(";")
            file = {"target": str(plain(target))}
            self._connection.execute(f"copy ({query}\n) to $target (format parquet, compression zstd)", file)
            return int(self._connection.execute("select count(*) from read_parquet($target)", file).fetchall()[0][0])

    def _values(self, sql: str) -> list[str]:
        return [row[0] for row in self._connection.execute(read_select(sql, self._tables).sql).fetchall()]

    @contextmanager
    def _bounded(self, where: str) -> Iterator[None]:
        watch = Watch(self._limits, self._connection.interrupt)
        try:
            with watch.watching():
                yield
        except QueryError as error:
            raise SourceError(f"{where}: {error}") from None
        except (duckdb.Error, MemoryError) as error:
            if watch.over or isinstance(error, MemoryError | duckdb.OutOfMemoryException):
                told = failure(error, watch.over, self._limits)
                raise SourceError(
                    f"{where}: {told.given}", todo="ask for less, or raise [limits] in recipe.toml"
                ) from None
            raise _explain(error, where) from None


@contextmanager
def open_raw_files(
    tables: Mapping[str, list[Path]], scratch: Path, limits: QueryLimits = MAPPING_LIMITS
) -> Iterator[RawFiles]:
    """Open files as tables: CSV with every column as text (a mapping chooses the types), Parquet with its own types.

    Args:
        tables: table name → its files, one or more of one format: .csv[.gz], .parquet or .jsonl[.gz].
        scratch: folder where what does not fit in memory is spilled, and where Parquet files are written.
        limits: what the recipe's SQL may take.

    Raises:
        SourceError: a file cannot be read as what its name says.
    """
    connection = connect()
    try:
        # One thread, so that sums of floats come out the same to the last bit each time: a row that is imported
        # again must be the same row, not a conflict.
        connection.execute("set threads = 1")
        connection.execute(f"set memory_limit = '{limits.memory_mb}MB'")
        connection.execute("set temp_directory = $scratch", {"scratch": str(plain(scratch))})
        for name, paths in tables.items():
            _open(connection, name, paths)
        files = [str(plain(path)) for paths in tables.values() for path in paths]
        lock(connection, folders=[f"{plain(scratch)}/"], files=files)
        yield RawFiles(connection, tables, limits)
    finally:
        connection.close()


def _open(connection: duckdb.DuckDBPyConnection, name: str, paths: list[Path]) -> None:
    # A view cannot hold a bound parameter, so the relation made from the paths is what gets the name.
    text: Any = [str(plain(path)) for path in paths]  # the stubs know one path only; the functions take several
    try:
        if paths[0].name.endswith(".parquet"):
            relation = connection.read_parquet(text, union_by_name=True)
        elif ".json" in paths[0].name:
            relation = connection.read_json(text)
        else:
            relation = connection.read_csv(text, header=True, all_varchar=True, quotechar='"', escapechar='"')
        relation.create_view(name, replace=True)
    except duckdb.Error as error:
        raise _explain(error, str(paths[0])) from None


def _explain(error: duckdb.Error, where: str) -> SourceError:
    first = str(error).strip().splitlines()[0]
    return SourceError(
        f"{where}: {first}",
        "files as the recipe describes them",
        "compare the file's header and types with the recipe's SQL",
    )
