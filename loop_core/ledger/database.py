"""The ledger's database: SQLite in a file, or PostgreSQL; opened at the schema this program knows."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.exc import DBAPIError

from loop_core.errors import RefusedError, StorageError
from loop_core.lake.location import FROZEN_TODO, LAKE_SCHEMA
from loop_core.ledger.schema import metadata
from loop_core.postgres import DatabaseAddress, only_reads, parse_address

#: The newest migration in `migrations/versions`, and the newest that changes tables. What lies between is done when an older
#: ledger is next written: opening one to read changes nothing.
HEAD, TABLES = "0003", "0002"
#: Any number that only the ledger uses as PostgreSQL advisory lock.
_LOCK = 7_017_700
#: Another, for making a workspace.
_FOUNDING = 7_017_703


def open_database(url: str, *, create: bool = False, frozen: str | None = None) -> Engine:
    """An engine on the ledger's database with the tables that this program knows; `frozen`: why nothing can be written to it.

    Raises:
        StorageError: missing, unreachable, or written by a newer program.
    """
    path = sqlite_file(url)
    if path is not None and not create and not path.exists():
        raise StorageError(f"There is no ledger at {path}", "a workspace made by `loop init`", "check the path")
    engine = _engine(url)
    with explained(url):
        with engine.connect() as connection:
            found = schema_version(connection)
        if found is not None and found > HEAD:
            raise StorageError(
                f"The workspace's ledger has schema {found}",
                f"at most {HEAD}, which this program knows",
                "update Loopbench",
            )
        if found is None and not create:
            # Never made anew: what is on record would be gone without a word.
            raise StorageError(f"There is no ledger in {path or url}: it is empty", todo="restore it from a backup")
        if found is None or found < TABLES:
            _migrate(engine, HEAD if found is None else TABLES)
    return engine.execution_options(frozen=frozen)


def sqlite_file(url: str) -> Path | None:
    """The file of a `sqlite:///…` address, whose path stands there as it is; None: another database."""
    return Path(url.removeprefix("sqlite:///")) if url.startswith("sqlite:///") else None


def sqlite_options(file: Path) -> dict[str, Any]:
    """Options of SQLAlchemy's `create_engine` for a SQLite file: in an address, `?` and `%` of a path would mean something."""
    return {"creator": partial(sqlite3.connect, str(file), timeout=60, check_same_thread=False)}


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """One transaction that owns the ledger's write lock from its first statement on. StorageError: it can only be read."""
    frozen = engine.get_execution_options().get("frozen")
    if frozen is not None:
        raise StorageError(frozen, todo=FROZEN_TODO)
    with explained(str(engine.url)), engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        else:
            connection.exec_driver_sql("begin immediate")
        yield connection


@contextmanager
def explained(where: str = "") -> Iterator[None]:
    """Database errors in the product's words."""
    try:
        yield
    except DBAPIError as error:
        cause = str(error.orig)
        if refused := only_reads(cause):
            raise refused from error
        if "readonly" in cause or "unable to open" in cause:
            raise StorageError(
                f"The ledger cannot be written ({cause})", "a folder this user may write", "change its permissions"
            ) from error
        if "disk is full" in cause or "No space left" in cause:
            raise StorageError(
                "The disk of the workspace is full", "free space", "free some; nothing was half-written"
            ) from error
        damaged = "not a database" in cause or "malformed" in cause
        raise StorageError(
            f"The ledger's database{_file(where)} refused this: {cause}",
            todo="restore it from a backup" if damaged else "",
        ) from error


def _file(url: str) -> str:
    path = sqlite_file(url)
    return "" if path is None else f" {path}"


def _engine(url: str) -> Engine:
    file = sqlite_file(url)
    if file is None:
        address, options = postgres_options(url)
        return create_engine(address, pool_pre_ping=True, **options)
    engine = create_engine("sqlite:///ledger", **sqlite_options(file))

    @event.listens_for(engine, "connect")
    def _configure(connection: Any, _: Any) -> None:
        # sqlite3 must not begin transactions by itself: `writing` takes the lock at the start, so readers
        # that later write can never deadlock with one another.
        connection.isolation_level = None
        connection.execute("pragma journal_mode=wal")
        connection.execute("pragma synchronous=full")
        connection.execute("pragma busy_timeout=60000")

    return engine


def postgres_options(url: str) -> tuple[str, dict[str, Any]]:
    """The address that SQLAlchemy shows, which has neither password nor options, and how it connects."""
    address = parse_address(url)
    shown = f"postgresql+pg8000://{address.host if '/' not in address.host else ''}/{quote(address.database, safe='')}"
    return shown, {"creator": address.connect}


@contextmanager
def founding(address: DatabaseAddress) -> Iterator[None]:
    """The only one who makes a workspace in a database.

    Raises:
        RefusedError: another process makes one in it.
        StorageError: it cannot be reached.
    """
    engine = _engine_of(address)
    try:
        with explained(), engine.connect() as connection:
            if not connection.execute(text("select pg_try_advisory_lock(:key)"), {"key": _FOUNDING}).scalar():
                raise RefusedError(
                    f"Another process is making a workspace in the database {address.database}",
                    todo="choose another database, or open that workspace's folder when it is there",
                )
            yield
    finally:
        engine.dispose()


def refuse_occupied(address: DatabaseAddress) -> None:
    """See that a database holds no workspace yet. A lake without a ledger and without tables is what an `init` left that failed: it goes.

    Raises:
        RefusedError: it holds one.
        StorageError: it cannot be reached.
    """
    engine = _engine_of(address)
    with explained(), engine.connect() as connection:
        known = inspect(connection)
        used = known.has_table("loopbench_entries")
        lake = LAKE_SCHEMA in known.get_schema_names() and "ducklake_table" in known.get_table_names(LAKE_SCHEMA)
        # Rows need not be in files: a lake that ever had a loop is somebody's.
        tables = lake and connection.execute(text(f"select 1 from {LAKE_SCHEMA}.ducklake_table limit 1")).first()
    engine.dispose()
    if used or tables:
        raise RefusedError(
            f"The database {address.database} holds a workspace already",
            todo="choose another database, or open that workspace's folder",
        )
    remove_catalogue(address)


def remove_catalogue(address: DatabaseAddress) -> None:
    """Take the lake's schema and the ledger's tables out of a database."""
    engine = _engine_of(address)
    with explained(), engine.begin() as connection:
        connection.execute(text(f"drop schema if exists {LAKE_SCHEMA} cascade"))
        for table in (*metadata.tables, "loopbench_schema"):
            connection.execute(text(f"drop table if exists {table}"))
    engine.dispose()


def _engine_of(address: DatabaseAddress) -> Engine:
    return create_engine(postgres_options(str(address))[0], creator=address.connect)


def schema_version(connection: Connection) -> str | None:
    """The newest migration that the database saw; None: it holds no ledger."""
    if not inspect(connection).has_table("loopbench_schema"):
        return None
    found: str | None = connection.execute(text("select version_num from loopbench_schema")).scalar()
    return found


def set_newest(connection: Connection) -> None:
    """From now on programs that do not know `HEAD` refuse the ledger."""
    connection.execute(text("update loopbench_schema set version_num = :head"), {"head": HEAD})


def _migrate(engine: Engine, version: str) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    with writing(engine) as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, version)
