"""A DuckDB of its own for people's queries: the lake attached read-only, no files but its own, its settings locked."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any

import duckdb

from loop_core.errors import DamagedFileError, LoopbenchError, QueryError
from loop_core.lake.door.limits import QueryLimits, Watch
from loop_core.lake.door.pivot import with_values
from loop_core.lake.door.statement import read_select
from loop_core.lake.explain import explain, first_line
from loop_core.lake.location import LakeLocation, attach
from loop_core.lake.tables import quoted

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa


class Door:
    """Runs checked queries over views of a lake. Safe to share between threads: each query has a cursor of its own."""

    def __init__(
        self,
        location: LakeLocation,
        reading: Callable[[], AbstractContextManager[None]],
        explained: Callable[[duckdb.Error], LoopbenchError],
    ) -> None:
        """`reading` holds the lake for reading, so that maintenance waits; `explained` knows its damaged files."""
        self._location, self._opening, self._reading, self._explained = location, threading.Lock(), reading, explained
        self._connections: dict[int, duckdb.DuckDBPyConnection] = {}

    def close(self) -> None:
        with self._opening:
            while self._connections:
                self._connections.popitem()[1].close()

    def rows(self, sql: str, views: Mapping[str, str], given: Mapping[str, Any], limits: QueryLimits) -> list[Any]:
        """Rows as tuples.

        Args:
            sql: a person's query.
            views: name → SQL without parameters, of ours or checked; a view may name those before it.
            given: values of `$parameters`, by name.
            limits: what it may take.

        Raises:
            QueryError: it is not one SELECT over the views, cannot be evaluated, or reached a limit.
        """
        with self._result(sql, views, given, limits) as result:
            return result.fetchall()

    def frame(self, sql: str, views: Mapping[str, str], given: Mapping[str, Any], limits: QueryLimits) -> pl.DataFrame:
        """As `rows`, a polars DataFrame."""
        with self._result(sql, views, given, limits) as result:
            return result.pl()

    def batches(
        self, sql: str, views: Mapping[str, str], given: Mapping[str, Any], limits: QueryLimits, rows: int
    ) -> Iterator[pa.RecordBatch]:
        """As `rows`, Arrow record batches of at most `rows`; the time between them counts."""
        with self._result(sql, views, given, limits) as result:
            yield from result.to_arrow_reader(rows)

    @contextmanager
    def _result(
        self, sql: str, views: Mapping[str, str], given: Mapping[str, Any], limits: QueryLimits
    ) -> Iterator[duckdb.DuckDBPyConnection]:
        text = with_values(sql, lambda inner: [row[0] for row in self.rows(inner, views, given, limits)]) or sql
        statement = read_select(text, views.keys())
        bound = {name: _value_of(name, given) for name in statement.parameters}
        cursor = self._cursor(limits)
        watch = Watch(limits, cursor.interrupt)
        try:
            with self._reading(), watch.watching():
                # One transaction, so that the views and the query read one snapshot, and look the catalogue up once.
                cursor.execute("begin")
                for name, view in _needed(statement.tables, views).items():
                    cursor.execute(f"create temp view {quoted(name)} as {view}")
                yield cursor.execute(statement.sql, bound)
        except (duckdb.Error, MemoryError, OSError) as error:
            if isinstance(error, duckdb.Error) and isinstance(damage := self._explained(error), DamagedFileError):
                raise damage from None
            raise failure(error, watch.over, limits) from None
        finally:
            cursor.close()

    def _cursor(self, limits: QueryLimits) -> duckdb.DuckDBPyConnection:
        with self._opening:
            if limits.memory_mb not in self._connections:
                self._connections[limits.memory_mb] = _opened(self._location, limits.memory_mb)
            return self._connections[limits.memory_mb].cursor()


def _opened(location: LakeLocation, memory_mb: int) -> duckdb.DuckDBPyConnection:
    connection = attach(location, create=False, read_only=True)
    connection.execute(f"set memory_limit = '{int(memory_mb)}MB'")
    connection.execute("set temp_directory = ''")
    lock(connection, folders=[location.data])
    return connection


def lock(connection: duckdb.DuckDBPyConnection, folders: Sequence[str], files: Sequence[str] = ()) -> None:
    """Let a DuckDB open these folders and files, and no other; its settings stay as they are from now on."""
    connection.execute("set allowed_directories = $folders", {"folders": list(folders)})
    connection.execute("set allowed_paths = $files", {"files": list(files)})
    connection.execute("set python_enable_replacements = false")
    connection.execute("set enable_external_access = false")
    connection.execute("set lock_configuration = true")


def _needed(tables: frozenset[str], views: Mapping[str, str]) -> dict[str, str]:
    """The views that a query reads, and those that they name, in their order."""
    wanted = set(tables)
    for name in reversed(list(views)):
        if name.lower() in wanted:
            wanted |= {word.lower() for word in re.findall(r"\w+", views[name])}
    return {name: view for name, view in views.items() if name.lower() in wanted}


def _value_of(name: str, given: Mapping[str, Any]) -> Any:
    if name not in given:
        raise QueryError(
            f"The query names ${name}, which has no value", todo=f"one of: {', '.join(f'${n}' for n in given)}"
        )
    return given[name]


def failure(error: Exception, over: bool, limits: QueryLimits) -> LoopbenchError:
    """What ended a query, in the product's words; `over`: its time was."""
    text = str(error)
    if over and isinstance(error, duckdb.InterruptException):
        return QueryError(
            f"The query was stopped after {limits.seconds:g} s, its limit of time",
            todo="ask for less, or raise the limit (--seconds; [queries] seconds in the charter)",
        )
    if isinstance(error, MemoryError | duckdb.OutOfMemoryException) or "alloc" in text.lower():
        return QueryError(
            f"The query needs more than {limits.memory_mb:,} MB, its limit of memory",
            todo="ask for less, or raise the limit (--memory-mb; [queries] memory_mb in the charter)",
        )
    known = (duckdb.BinderException, duckdb.CatalogException, duckdb.ParserException, duckdb.InvalidInputException,
             duckdb.ConversionException, duckdb.OutOfRangeException, duckdb.NotImplementedException)  # fmt: skip
    if isinstance(error, known):
        return QueryError(f"The query cannot be evaluated ({first_line(text).rstrip('!')})", todo=_suggestion(text))
    return explain(error) if isinstance(error, duckdb.Error) else QueryError(f"The query failed ({first_line(text)})")


def _suggestion(text: str) -> str:
    for line in text.splitlines():
        if line.startswith("Candidate bindings: "):
            return "name one of " + line.partition(": ")[2]
    return "correct its SQL"
