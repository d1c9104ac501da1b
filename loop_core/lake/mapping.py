"""Raw files → SQL → Parquet in a staging folder: how a recipe turns a publisher's files into signals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from loop_core.errors import SourceError
from loop_core.lake.extensions import connect

if TYPE_CHECKING:
    import pyarrow as pa

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
                f"copy ({query}\n) to $target (format parquet, compression zstd)", {"target": str(target)}
            )
            return int(
                self._connection.execute(
                    "select count(*) from read_parquet($target)", {"target": str(target)}
                ).fetchall()[0][0]
            )
        except duckdb.Error as error:
            raise _explain(error, where) from None

    def batches(self, sql: str, where: str, rows: int = 100_000) -> Iterator[pa.RecordBatch]:
        """A query's rows as Arrow record batches of at most `rows`, read as they are consumed."""
        try:
            yield from self._connection.execute(sql).to_arrow_reader(rows)
        except duckdb.Error as error:
            raise _explain(error, where) from None


@contextmanager
def open_raw_files(tables: Mapping[str, Path], scratch: Path) -> Iterator[RawFiles]:
    """Open files as tables: CSV with every column as text (a mapping chooses the types), Parquet with its own types.

    Args:
        tables: table name → a .csv[.gz], .parquet or .jsonl[.gz] file, or a pattern such as `part-*.parquet`.
        scratch: folder where what does not fit in memory is spilled.

    Raises:
        SourceError: a file cannot be read as what its name says.
    """
    connection = connect("json") if any(".json" in path.name for path in tables.values()) else connect()
    try:
        # One thread, so that sums of floats come out the same to the last bit each time: a row that is imported
        # again must be the same row, not a conflict.
        connection.execute("set threads = 1")
        connection.execute(f"set memory_limit = '{MEMORY_LIMIT}'")
        connection.execute("set temp_directory = $scratch", {"scratch": str(scratch)})
        for name, path in tables.items():
            _open(connection, name, path)
        yield RawFiles(connection)
    finally:
        connection.close()


def _open(connection: duckdb.DuckDBPyConnection, name: str, path: Path) -> None:
    # A view cannot hold a bound parameter, so the relation made from the path is what gets the name.
    text = str(path)
    try:
        if path.name.endswith(".parquet"):
            relation = connection.read_parquet(text, union_by_name=True)
        elif ".json" in path.name:
            relation = connection.read_json(text)
        else:
            relation = connection.read_csv(text, header=True, all_varchar=True, quotechar='"', escapechar='"')
        relation.create_view(name, replace=True)
    except duckdb.Error as error:
        raise _explain(error, text) from None


def _explain(error: duckdb.Error, where: str) -> SourceError:
    first = str(error).strip().splitlines()[0]
    return SourceError(
        f"{where}: {first}",
        "files as the recipe describes them",
        "compare the file's header and types with the recipe's SQL",
    )
