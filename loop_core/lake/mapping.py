"""Raw files → SQL → Parquet in a staging folder: how a recipe turns a publisher's files into signals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb

from loop_core.errors import SourceError
from loop_core.lake.extensions import connect
from loop_core.paths import plain

#: A mapping may use this much memory; what does not fit is spilled into the staging folder.
MEMORY_LIMIT = "2GB"


class RawFiles:
    """Raw files opened as tables, in a DuckDB of their own that knows nothing of the lake."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection

    def run(self, sql: str, where: str) -> None:
        """Run the statements of a script (temp tables, views). `where` names it in errors."""
        try:
            self._connection.execute(sql)
        except duckdb.Error as error:
            raise _explain(error, where) from None

    def to_parquet(self, sql: str, target: Path, where: str) -> int:
        """Write a query's rows, in its order, to one Parquet file; the same rows give the same bytes. Number of rows."""
        try:
            query = sql.strip().rstrip(";")
            self._connection.execute(
                f"copy ({query}\n) to $target (format parquet, compression zstd)", {"target": str(plain(target))}
            )
            return int(
                self._connection.execute(
                    "select count(*) from read_parquet($target)", {"target": str(plain(target))}
                ).fetchall()[0][0]
            )
        except duckdb.Error as error:
            raise _explain(error, where) from None


@contextmanager
def open_raw_files(tables: Mapping[str, list[Path]], scratch: Path) -> Iterator[RawFiles]:
    """Open files as tables: CSV with every column as text (a mapping chooses the types), Parquet with its own types.

    Args:
        tables: table name → its files, one or more of one format: .csv[.gz], .parquet or .jsonl[.gz].
        scratch: folder where what does not fit in memory is spilled.

    Raises:
        SourceError: a file cannot be read as what its name says.
    """
    connection = connect()
    try:
        # One thread, so that sums of floats come out the same to the last bit each time: a row that is imported
        # again must be the same row, not a conflict.
        connection.execute("set threads = 1")
        connection.execute(f"set memory_limit = '{MEMORY_LIMIT}'")
        connection.execute("set temp_directory = $scratch", {"scratch": str(plain(scratch))})
        for name, paths in tables.items():
            _open(connection, name, paths)
        yield RawFiles(connection)
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
