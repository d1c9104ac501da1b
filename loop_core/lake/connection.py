"""One DuckLake: attach it, read it from any thread, write it through one door."""

from __future__ import annotations

import random
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import duckdb
from filelock import FileLock, Timeout

from loop_core.errors import LoopbenchError, StorageError
from loop_core.lake.extensions import connect

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa

T = TypeVar("T")

#: A PostgreSQL commit that loses a race is tried again this often before it is an error.
CONFLICT_TRIES = 10
LOCK_SECONDS = 600.0


@dataclass(frozen=True)
class LakeLocation:
    """Where a lake's catalogue and its Parquet files are."""

    catalog: str
    """Path of a SQLite file, or a `postgresql://…` address."""
    data: str
    """Folder of the Parquet files."""
    lock: Path
    """Lock file of writers (embedded lakes only)."""

    @property
    def embedded(self) -> bool:
        """SQLite catalogue (True) or PostgreSQL (False)."""
        return not self.catalog.startswith("postgresql://")


class Transaction:
    """A write in progress: every statement commits together, or none does."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection) -> None:
        self._cursor = cursor

    def execute(self, sql: str, parameters: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        """Run one statement with bound `$name` parameters; rows as tuples."""
        return self._cursor.execute(sql, parameters or {}).fetchall()

    def register(self, name: str, table: pl.DataFrame | pa.Table) -> None:
        """Make a frame readable as table `name` in this transaction (no copy)."""
        self._cursor.register(name, table)


class Lake:
    """A DuckLake attached as `lake`. Safe to share between threads: each call uses a cursor of its own."""

    def __init__(self, location: LakeLocation, *, create: bool = False) -> None:
        self.location = location
        self._writing = threading.Lock()
        self._held = threading.local()
        self._connection = _attach(location, create)

    def close(self) -> None:
        self._connection.close()

    # -- reading ------------------------------------------------------------------------------------------

    def rows(self, sql: str, parameters: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        """Rows as tuples. Parameters are bound by name: `$as_of`."""
        with self._held_read(sql, parameters) as result:
            return result.fetchall()

    def frame(self, sql: str, parameters: Mapping[str, Any] | None = None) -> pl.DataFrame:
        """Rows as a polars DataFrame; instants are UTC microseconds."""
        with self._held_read(sql, parameters) as result:
            return result.pl()

    def batches(
        self, sql: str, parameters: Mapping[str, Any] | None = None, rows: int = 100_000
    ) -> Iterator[pa.RecordBatch]:
        """Rows as Arrow record batches of at most `rows`, read as they are consumed."""
        with self._read(sql, parameters) as result:
            yield from result.to_arrow_reader(rows)

    def snapshot(self) -> int:
        """Id of the newest committed snapshot: what a training set or a cached result is pinned to."""
        return int(self.rows("from ducklake_current_snapshot('lake')")[0][0])

    def changes(self, table: str, after: int, to: int) -> pl.DataFrame:
        """The change feed of `loop.table` for snapshots after < id ≤ to: snapshot_id, rowid, change_type, columns…"""
        schema, name = table.split(".")
        if after >= to:
            return self.frame(f'select * from lake."{schema}"."{name}" limit 0')
        return self.frame(
            "from ducklake_table_changes('lake', $schema, $name, $first::bigint, $last::bigint)",
            {"schema": schema, "name": name, "first": after + 1, "last": to},
        )

    @contextmanager
    def one_snapshot(self) -> Iterator[None]:
        """Reads of this thread inside see one snapshot, and look the catalogue up once. Streams (`batches`) do not.
        Within another `one_snapshot` it is that one's."""
        if getattr(self._held, "cursor", None) is not None:
            yield
            return
        cursor = self._connection.cursor()
        try:
            cursor.execute("begin transaction read only")
            self._held.cursor = cursor
            yield
        finally:
            self._held.cursor = None
            cursor.close()

    @contextmanager
    def _read(self, sql: str, parameters: Mapping[str, Any] | None) -> Iterator[duckdb.DuckDBPyConnection]:
        cursor = self._connection.cursor()
        try:
            # Read-only, so that no query, whoever wrote it, changes the lake past `write`.
            cursor.execute("begin transaction read only")
            yield cursor.execute(sql, parameters or {})
        except duckdb.Error as error:
            raise explain(error) from error
        finally:
            cursor.close()

    @contextmanager
    def _held_read(self, sql: str, parameters: Mapping[str, Any] | None) -> Iterator[duckdb.DuckDBPyConnection]:
        """As `_read`, in the transaction of `one_snapshot` where this thread is in one."""
        held = getattr(self._held, "cursor", None)
        if held is None:
            with self._read(sql, parameters) as result:
                yield result
            return
        try:
            yield held.execute(sql, parameters or {})
        except duckdb.Error as error:
            raise explain(error) from error

    # -- writing ------------------------------------------------------------------------------------------

    def write(self, body: Callable[[Transaction], T], *, actor: str, message: str) -> T:
        """Run `body` in one transaction and commit it; the only way to change the lake.

        On SQLite, writers queue behind one lock between processes. On PostgreSQL they race, and a `body` that
        lost is run again: so it may be called more than once, and must touch nothing but its transaction.

        Args:
            body: gets the Transaction; what it returns is returned.
            actor, message: recorded in the snapshot.

        Raises:
            StorageError: full or read-only disk, lock not had in 10 minutes, conflict after 10 tries.
        """
        for attempt in range(1, CONFLICT_TRIES + 1):
            with self._turn():
                try:
                    return self._commit(body, actor, message)
                except duckdb.TransactionException as error:
                    if self.location.embedded or attempt == CONFLICT_TRIES:
                        raise explain(error) from error
                except duckdb.Error as error:
                    raise explain(error) from error
            time.sleep(random.uniform(0, 0.02 * 2**attempt))
        raise AssertionError("unreachable")

    def maintain(self, statement: str, parameters: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        """Run one DuckLake maintenance call, which is its own transaction, behind the same lock."""
        cursor = self._connection.cursor()
        try:
            with self._turn():
                return cursor.execute(statement, parameters or {}).fetchall()
        except duckdb.Error as error:
            raise explain(error) from error
        finally:
            cursor.close()

    def _commit(self, body: Callable[[Transaction], T], actor: str, message: str) -> T:
        cursor = self._connection.cursor()
        try:
            cursor.execute("begin")
            try:
                result = body(Transaction(cursor))
                cursor.execute(
                    "call ducklake_set_commit_message('lake', $actor, $message)", {"actor": actor, "message": message}
                )
                cursor.execute("commit")
            except BaseException:
                with suppress(duckdb.Error):
                    cursor.execute("rollback")
                raise
            return result
        finally:
            cursor.close()

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if not self.location.embedded:
            yield
            return
        try:
            # A thread lock first: filelock is re-entrant within one object but not fair between threads.
            with self._writing, FileLock(self.location.lock, timeout=LOCK_SECONDS, poll_interval=0.005):
                yield
        except Timeout:
            raise StorageError(
                f"Another process has been writing to {self.location.catalog} for {LOCK_SECONDS:.0f} s",
                "a turn to write",
                "see which with `loop jobs`, stop it, and try again",
            ) from None
        except PermissionError:
            raise StorageError(
                f"{self.location.lock.parent} is read-only", "a folder this user may write", "change its permissions"
            ) from None


def explain(error: duckdb.Error) -> LoopbenchError:
    """A DuckDB error in the product's words; disk and permission trouble are named as such."""
    text = str(error)
    if "No space left" in text or "disk is full" in text or "database or disk is full" in text:
        return StorageError(
            f"The disk of the workspace is full ({_first_line(text)})",
            "free space",
            "free some; nothing was half-written",
        )
    if "launched in read-only mode" not in text and any(
        word in text.lower() for word in ("readonly", "read-only", "permission denied", "unable to open database file")
    ):
        return StorageError(
            f"The workspace cannot be written ({_first_line(text)})",
            "a folder this user may write",
            "change its permissions",
        )
    if "launched in read-only mode" in text:
        return StorageError(
            "A query tried to write", "a query that only reads", "use the verb that writes; see `loop --help`"
        )
    if isinstance(error, duckdb.BinderException | duckdb.CatalogException | duckdb.ParserException):
        return StorageError(
            f"The lake refused this: {_first_line(text).rstrip('!')}", _suggested(text), "correct the query"
        )
    return StorageError(f"The lake refused this: {_first_line(text)}")


def _suggested(text: str) -> str:
    """What DuckDB would have understood, in its own words; SQL where it says nothing."""
    for line in text.splitlines():
        if line.startswith("Candidate bindings: "):
            return "one of " + line.partition(": ")[2]
        if line.startswith("Did you mean "):
            return line.removeprefix("Did you mean ").rstrip("?")
    return "columns and views that are there, in DuckDB's SQL"


def _first_line(text: str) -> str:
    return text.strip().splitlines()[0] if text.strip() else "no message"


def _attach(location: LakeLocation, create: bool) -> duckdb.DuckDBPyConnection:
    if location.embedded:
        return _attach_sqlite(location, create)
    connection = connect("ducklake", "postgres_scanner")
    try:
        connection.execute(
            f"ATTACH {_text(f'ducklake:postgres:{location.catalog}')} AS lake"
            f" (DATA_PATH {_text(location.data)}, METADATA_SCHEMA 'loopbench_lake', CREATE_IF_NOT_EXISTS {str(create).lower()})"
        )
    except duckdb.Error as error:
        raise StorageError(
            f"No lake at {_without_password(location.catalog)} ({_first_line(str(error))})",
            "a reachable PostgreSQL",
            "start it, or check the address",
        ) from None
    return connection


def _attach_sqlite(location: LakeLocation, create: bool) -> duckdb.DuckDBPyConnection:
    catalog = Path(location.catalog)
    if create:
        catalog.parent.mkdir(parents=True, exist_ok=True)
        with sqlite3.connect(catalog) as database:
            database.execute("pragma journal_mode=wal")
    elif not catalog.exists():
        raise StorageError(f"There is no lake at {catalog}", "a workspace made by `loop init`", "check the path")
    connection = connect("ducklake", "sqlite_scanner")
    try:
        # The catalogue notes where the data was; overriding it lets a workspace be moved or copied as a folder.
        connection.execute(
            f"ATTACH {_text(f'ducklake:sqlite:{catalog}')} AS lake"
            f" (DATA_PATH {_text(location.data)}, META_JOURNAL_MODE 'WAL', META_BUSY_TIMEOUT 30000, OVERRIDE_DATA_PATH true)"
        )
    except duckdb.Error as error:
        raise explain(error) from error
    return connection


def _text(value: str) -> str:
    """A SQL text: ATTACH takes no bound parameters."""
    return "'" + value.replace("'", "''") + "'"


def _without_password(address: str) -> str:
    head, _, tail = address.rpartition("@")
    return f"{head.split(':')[0]}://…@{tail}" if head else address
