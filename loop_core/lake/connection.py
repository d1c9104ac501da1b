"""One DuckLake: read it from any thread, write it through one door."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import duckdb

from loop_core.errors import LoopbenchError, StorageError
from loop_core.lake.damage import DamagedFile, damage_behind
from loop_core.lake.door import Door
from loop_core.lake.fingerprints import Fingerprints
from loop_core.lake.lease import lease_of
from loop_core.lake.location import LakeLocation, attach
from loop_core.layout import share_folders
from loop_core.postgres import only_reads

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa

T = TypeVar("T")

#: A PostgreSQL commit that loses a race is tried again this often before it is an error.
CONFLICT_TRIES = 10
_SNAPSHOT = "from ducklake_current_snapshot('lake')"


class Transaction:
    """A write in progress: every statement commits together, or none does."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection) -> None:
        self._cursor = cursor

    def execute(self, sql: str, parameters: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        """Run one statement with bound `$name` parameters; rows as tuples."""
        return self._cursor.execute(sql, parameters or {}).fetchall()

    def snapshot(self) -> int:
        """Id of the snapshot it began in."""
        return int(self.execute(_SNAPSHOT)[0][0])

    def register(self, name: str, table: pl.DataFrame | pa.Table) -> None:
        """Make a frame readable as table `name` in this transaction (no copy)."""
        self._cursor.register(name, table)


class Lake:
    """A DuckLake attached as `lake`. Safe to share between threads: each call uses a cursor of its own."""

    def __init__(self, location: LakeLocation, *, create: bool = False) -> None:
        self.location = location
        self._held = threading.local()
        self._connection = attach(location, create)
        self._lease = lease_of(location, self._connection)
        self.fingerprints = Fingerprints(location, self._connection)
        """What its files held when they were written."""
        self.door = Door(location, self._reading, partial(damage_behind, self.fingerprints))
        """Where people's own queries are run; opened by the first of them."""

    def close(self) -> None:
        self.door.close()
        self._connection.close()

    # -- reading ------------------------------------------------------------------------------------------

    def rows(self, sql: str, parameters: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        """Rows as tuples. Parameters are bound by name: `$as_of`."""
        with self._held_read(sql, parameters) as result:
            return result.fetchall()

    def rows_apart(self, sql: str, parameters: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        """Rows, read in a transaction of its own: what fails here does not end the `one_snapshot` that this thread is in."""
        with self._read(sql, parameters) as result:
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
        """Id of the newest committed snapshot, or of the one this thread is in: what a training set or a cached result is
        pinned to."""
        held: int | None = getattr(self._held, "snapshot", None)
        if held is None:
            held = int(self.rows(_SNAPSHOT)[0][0])
            if getattr(self._held, "cursor", None) is not None:
                self._held.snapshot = held
        return held

    def has_snapshot(self, snapshot: int) -> bool:
        """Whether a snapshot can still be read: maintenance removes old ones that nobody holds on to."""
        sql = "select count(*) from ducklake_snapshots('lake') where snapshot_id = $snapshot"
        return bool(self.rows(sql, {"snapshot": snapshot})[0][0])

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
    def one_snapshot(self, *, beside: bool = False) -> Iterator[None]:
        """Reads of this thread inside see one snapshot, and look the catalogue up once. Streams (`batches`) do not.
        Within another `one_snapshot` it is that one's.

        Args:
            beside: another thread waits for this one within its own `one_snapshot`, so maintenance waits already.
        """
        if getattr(self._held, "cursor", None) is not None:
            yield
            return
        with nullcontext() if beside else self._lease.read(), self._connection.cursor() as cursor:
            try:
                cursor.execute("begin transaction read only")
                self._held.cursor = cursor
                yield
            finally:
                self._held.cursor = self._held.snapshot = None

    @contextmanager
    def one_thread(self) -> Iterator[None]:
        """Queries inside use one thread each: many small ones are slowed down by more, large ones want them."""
        before = self.rows("select current_setting('threads')")[0][0]
        self._set_threads(1)
        try:
            yield
        finally:
            self._set_threads(before)

    def _set_threads(self, number: int) -> None:
        with self._connection.cursor() as cursor:
            cursor.execute(f"set threads = {int(number)}")

    @contextmanager
    def _read(self, sql: str, parameters: Mapping[str, Any] | None) -> Iterator[duckdb.DuckDBPyConnection]:
        with self._reading(), self._connection.cursor() as cursor:
            try:
                # Read-only, so that no query, whoever wrote it, changes the lake past `write`.
                cursor.execute("begin transaction read only")
                yield cursor.execute(sql, parameters or {})
            except duckdb.Error as error:
                raise damage_behind(self.fingerprints, error) from error

    def _reading(self) -> AbstractContextManager[None]:
        """The lake held for reading. Within `one_snapshot` it is: what waited there would wait for maintenance, and that for it."""
        return nullcontext() if getattr(self._held, "cursor", None) is not None else self._lease.read()

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
            raise damage_behind(self.fingerprints, error) from error

    # -- writing ------------------------------------------------------------------------------------------

    def write(self, body: Callable[[Transaction], T], *, actor: str, message: str) -> T:
        """Run `body` in one transaction and commit it; the only way to change the lake.

        Writers queue behind one lock between processes (see `lease`). On PostgreSQL a `body` that lost a race with
        somebody outside it is run again: so it may be called more than once, and must touch nothing but its transaction.

        Args:
            body: gets the Transaction; what it returns is returned.
            actor, message: recorded in the snapshot.

        Raises:
            StorageError: full or read-only disk, lock not had in 10 minutes, conflict after 10 tries.
        """
        for attempt in range(1, CONFLICT_TRIES + 1):
            with self._lease.turn():
                try:
                    return self._commit(body, actor, message)
                except duckdb.TransactionException as error:
                    if self.location.embedded or attempt == CONFLICT_TRIES or only_reads(str(error)):
                        raise damage_behind(self.fingerprints, error) from error
                except duckdb.Error as error:
                    raise damage_behind(self.fingerprints, error) from error
            time.sleep(random.uniform(0, 0.02 * 2**attempt))
        raise AssertionError("unreachable")

    def maintain(self, *statements: str) -> list[tuple[Any, ...]]:
        """Run DuckLake maintenance calls, each its own transaction, while nobody else reads or writes; the rows of all.

        Raises:
            StorageError: readers or writers did not end in five minutes, or this thread is one of them.
        """
        if getattr(self._held, "cursor", None) is not None:
            raise StorageError(
                "This thread reads the lake, and maintenance waits for readers", todo="read it to the end first"
            )
        with self._lease.alone():
            return [row for statement in statements for row in self._call(statement)]

    def vouch(self) -> int:
        """Take the fingerprints of files that have none, drop those of files that are gone; how many were taken."""
        with self._lease.turn():
            self.fingerprints.forget_gone()
            return self.fingerprints.take(_instant())

    def set_aside(
        self, body: Callable[[Transaction], T], damaged: Iterable[DamagedFile], *, actor: str, message: str
    ) -> T:
        """Commit `body`; from its snapshot on, the damaged files are no part of the lake, and what is read has none of their rows.

        Older snapshots still name them, so that what is pinned to one fails rather than to go without rows in silence.
        """
        with self._lease.turn():
            result = self._commit(body, actor, message)
            self.fingerprints.end([file.file_id for file in damaged])
        return result

    def configure(self, statement: str, parameters: Mapping[str, Any] | None = None) -> None:
        """Set an option of a table or of this connection, in a writer's turn."""
        with self._lease.turn():
            self._call(statement, parameters)

    def _take_fingerprints(self) -> None:
        # The commit stands; what is not looked at now, maintenance looks at.
        with suppress(duckdb.Error, OSError, LoopbenchError):
            self.fingerprints.take(_instant(), newest_only=True)

    def _call(self, statement: str, parameters: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        with self._connection.cursor() as cursor:
            try:
                return cursor.execute(statement, parameters or {}).fetchall()
            except duckdb.Error as error:
                raise damage_behind(self.fingerprints, error) from error

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
                share_folders(Path(self.location.data))
                self._take_fingerprints()
            except BaseException:
                with suppress(duckdb.Error):
                    cursor.execute("rollback")
                raise
            return result
        finally:
            cursor.close()


def _instant() -> str:
    # When a file was looked at is a fact of the disk, like its date: nobody asks for it as of another time.
    return datetime.now(UTC).isoformat(timespec="seconds")
