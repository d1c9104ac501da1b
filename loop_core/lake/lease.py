"""Who may use the lake at the same time: readers share it, writers take turns, maintenance has it alone.

Maintenance moves rows from one file to another and removes files. A read that is under way would find neither: on a SQLite
catalogue it counts 0 rows without an error, on PostgreSQL its files are gone. So every read holds a shared lock, and
maintenance waits for all of them. The locks are the operating system's, or the PostgreSQL server's: they end with the
process that holds them, however it ends.

While maintenance waits, new readers wait too, or it would never have its turn beside many short reads. It asks for two
seconds first, lets everybody in for as long, and asks again for twice as long: so one long read holds up the others only
briefly.
"""

from __future__ import annotations

import fcntl
import os
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from pathlib import Path

import duckdb
from filelock import FileLock, Timeout

from loop_core.errors import StorageError
from loop_core.lake.explain import explain
from loop_core.lake.location import FROZEN_TODO, LakeLocation

#: What a reader waits for maintenance, and a writer for its turn.
LOCK_SECONDS = 600.0
#: What one call of maintenance waits for readers and writers altogether.
MAINTENANCE_SECONDS = 300.0
#: What it waits for readers in one go, while nobody new is let in: at first, and at most; and then for the turn to write.
FIRST_WAIT, LONGEST_WAIT, TURN_WAIT = 2.0, 30.0, 0.5
_POLL = 0.005
#: After maintenance everybody who waited has several looks at the lock before it may come again.
_PAUSE = 10 * _POLL
#: Advisory locks of PostgreSQL that only the lake uses: the turn to write, and reading.
_TURN, _READING = 7_017_701, 7_017_702


def lease_of(location: LakeLocation, connection: duckdb.DuckDBPyConnection) -> Lease:
    """The locks of a lake that `connection` has attached as `lake`."""
    return FileLease(location) if location.embedded else ServerLease(location, connection)


class Lease(ABC):
    """The locks of one lake. Share one between threads."""

    def __init__(self, location: LakeLocation) -> None:
        self._location = location

    @abstractmethod
    def read(self) -> AbstractContextManager[None]:
        """The lake for reading: nothing that is there goes. StorageError: not had in ten minutes."""

    @contextmanager
    def turn(self) -> Iterator[None]:
        """The turn to write. StorageError: not had in ten minutes, or the lake can only be read."""
        self._refuse_frozen()
        with ExitStack() as held:
            if not self._take_turn(held, LOCK_SECONDS):
                raise self._no_turn()
            yield

    @abstractmethod
    def _take_reading(self, held: ExitStack, seconds: float) -> bool:
        """Try to have the lake without readers, the lock put on `held`; who reads may go on, nobody new is let in."""

    @abstractmethod
    def _take_turn(self, held: ExitStack, seconds: float) -> bool:
        """Try to have the turn to write, the lock put on `held`."""

    @contextmanager
    def alone(self) -> Iterator[None]:
        """The lake without readers and other writers. StorageError: they did not end in five minutes, or it can only be read."""
        self._refuse_frozen()
        until, wait = time.monotonic() + MAINTENANCE_SECONDS, FIRST_WAIT
        while True:
            with ExitStack() as held:
                if self._take(held, wait):
                    yield
                    break
            if time.monotonic() > until:
                raise StorageError(
                    f"Somebody has been reading or writing the lake for {MAINTENANCE_SECONDS:.0f} s, and maintenance waits"
                    " for that; what it did until here is whole",
                    todo="run `loop maintain` again when that work has ended; `loop jobs` lists what runs",
                )
            time.sleep(wait)
            wait = min(2 * wait, LONGEST_WAIT)
        time.sleep(_PAUSE)

    def _take(self, held: ExitStack, seconds: float) -> bool:
        """Both locks, never one of them while waiting long for the other: who holds that one may need this one to end."""
        with ExitStack() as awhile:
            free = self._take_turn(awhile, seconds)
        return free and self._take_reading(held, seconds) and self._take_turn(held, TURN_WAIT)

    def _refuse_frozen(self) -> None:
        if self._location.frozen is not None:
            raise StorageError(self._location.frozen, todo=FROZEN_TODO)

    def _no_turn(self) -> StorageError:
        return StorageError(
            f"Another process has been writing to {self._where} for {LOCK_SECONDS:.0f} s",
            "a turn to write",
            "see which with `loop jobs`, stop it, and try again",
        )

    def _no_read(self) -> StorageError:
        return StorageError(
            f"The lake at {self._where} has been under maintenance for {LOCK_SECONDS:.0f} s, longer than a reader waits",
            todo="try again when `loop maintain` has ended",
        )

    @property
    def _where(self) -> str:
        return self._location.catalog if self._location.embedded else "PostgreSQL"


class FileLease(Lease):
    """Locks on files of a workspace: `flock`, so that a file need only be readable, and a killed process holds nothing."""

    def __init__(self, location: LakeLocation) -> None:
        super().__init__(location)
        self._writing = threading.Lock()
        self._gate = location.lock.with_name("lake.gate")
        self._readers = location.lock.with_name("lake.readers")

    @contextmanager
    def read(self) -> Iterator[None]:
        with _opened(self._readers) as readers:
            with _opened(self._gate) as gate:
                # Who passes the gate may read: maintenance shuts it to wait for those who are in.
                if not (_lock(gate, fcntl.LOCK_SH, LOCK_SECONDS) and _lock(readers, fcntl.LOCK_SH, LOCK_SECONDS)):
                    raise self._no_read()
            yield

    def _take_reading(self, held: ExitStack, seconds: float) -> bool:
        locks = (held.enter_context(_opened(path)) for path in (self._gate, self._readers))
        return all(_lock(lock, fcntl.LOCK_EX, seconds) for lock in locks)

    def _take_turn(self, held: ExitStack, seconds: float) -> bool:
        # A thread lock first: filelock is re-entrant within one object but not fair between threads.
        if not self._writing.acquire(timeout=seconds):
            return False
        held.callback(self._writing.release)
        try:
            held.enter_context(self._file(seconds))
        except Timeout:
            return False
        except PermissionError:
            raise self._read_only() from None
        return True

    def _file(self, seconds: float) -> FileLock:
        return FileLock(self._location.lock, timeout=seconds, poll_interval=_POLL)

    def _read_only(self) -> StorageError:
        return StorageError(
            f"{self._location.lock.parent} is read-only", "a folder this user may write", "change its permissions"
        )


class ServerLease(Lease):
    """Advisory locks of the PostgreSQL server that holds the catalogue, each in a transaction of its own."""

    def __init__(self, location: LakeLocation, connection: duckdb.DuckDBPyConnection) -> None:
        super().__init__(location)
        self._connection = connection

    @contextmanager
    def read(self) -> Iterator[None]:
        with ExitStack() as held:
            if not self._lock(held, f"pg_advisory_xact_lock_shared({_READING})", LOCK_SECONDS):
                raise self._no_read()
            yield

    def _take_reading(self, held: ExitStack, seconds: float) -> bool:
        return self._lock(held, f"pg_advisory_xact_lock({_READING})", seconds)

    def _take_turn(self, held: ExitStack, seconds: float) -> bool:
        return self._lock(held, f"pg_advisory_xact_lock({_TURN})", seconds)

    def _lock(self, held: ExitStack, lock: str, seconds: float) -> bool:
        cursor = held.enter_context(self._connection.cursor())
        limit = f"set_config(''lock_timeout'', ''{seconds * 1000:.0f}ms'', true)"
        try:
            cursor.execute("begin transaction read only")
            cursor.execute(f"from postgres_query('__ducklake_metadata_lake', 'select {limit}, {lock}::text as held')")
            cursor.fetchall()
        except duckdb.Error as error:
            if "lock timeout" in str(error):
                return False
            raise explain(error) from error
        return True


@contextmanager
def _opened(path: Path) -> Iterator[int | None]:
    """A lock file, made where it is not there; None where it cannot be: then nobody could maintain the lake either."""
    file = None
    try:
        try:
            file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            with suppress(OSError):
                file = os.open(path, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o666)
        except PermissionError:
            raise StorageError(
                f"{path} cannot be opened, and everybody who uses the lake locks it",
                todo="let its readers read that file",
            ) from None
        yield file
    finally:
        if file is not None:
            os.close(file)


def _lock(file: int | None, how: int, seconds: float) -> bool:
    """Whether a lock was had in time; it ends as the file is closed."""
    until = time.monotonic() + seconds
    while file is not None:
        try:
            fcntl.flock(file, how | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if time.monotonic() > until:
                return False
            time.sleep(_POLL)
    return True
