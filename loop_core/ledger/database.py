"""The ledger's database: SQLite in a file, or PostgreSQL; opened at the schema this program knows."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.exc import DBAPIError

from loop_core.errors import StorageError

#: The newest migration in `migrations/versions`.
HEAD = "0002"
#: Any number that only the ledger uses as PostgreSQL advisory lock.
_LOCK = 7_017_700


def open_database(url: str, *, create: bool = False) -> Engine:
    """An engine on the ledger's database, migrated to `HEAD`.

    Raises:
        StorageError: missing, unreachable, or written by a newer program.
    """
    path = sqlite_file(url)
    if path is not None and not create and not path.exists():
        raise StorageError(f"There is no ledger at {path}", "a workspace made by `loop init`", "check the path")
    engine = _engine(url)
    with explained(url):
        found = _version(engine)
        if found is not None and found > HEAD:
            raise StorageError(
                f"The workspace's ledger has schema {found}",
                f"at most {HEAD}, which this program knows",
                "update Loopbench",
            )
        if found != HEAD:
            _migrate(engine)
    return engine


def sqlite_file(url: str) -> Path | None:
    """The file of a `sqlite:///…` address, whose path stands there as it is; None: another database."""
    return Path(url.removeprefix("sqlite:///")) if url.startswith("sqlite:///") else None


def sqlite_options(file: Path) -> dict[str, Any]:
    """Options of SQLAlchemy's `create_engine` for a SQLite file: in an address, `?` and `%` of a path would mean something."""
    return {"creator": partial(sqlite3.connect, str(file), timeout=60, check_same_thread=False)}


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """One transaction that owns the ledger's write lock from its first statement on."""
    with explained(str(engine.url)), engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        else:
            connection.exec_driver_sql("begin immediate")
        yield connection


@contextmanager
def explained(where: str) -> Iterator[None]:
    """Database errors in the product's words."""
    try:
        yield
    except DBAPIError as error:
        cause = str(error.orig)
        if "readonly" in cause or "unable to open" in cause:
            raise StorageError(
                f"The ledger cannot be written ({cause})", "a folder this user may write", "change its permissions"
            ) from error
        if "disk is full" in cause or "No space left" in cause:
            raise StorageError(
                "The disk of the workspace is full", "free space", "free some; nothing was half-written"
            ) from error
        raise StorageError(f"The ledger's database refused this: {cause}") from error


def _engine(url: str) -> Engine:
    file = sqlite_file(url)
    if file is None:
        return create_engine(url.replace("postgresql://", "postgresql+pg8000://", 1), pool_pre_ping=True)
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


def _version(engine: Engine) -> str | None:
    if not inspect(engine).has_table("loopbench_schema"):
        return None
    with engine.connect() as connection:
        found: str | None = connection.execute(text("select version_num from loopbench_schema")).scalar()
        return found


def _migrate(engine: Engine) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    with writing(engine) as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
