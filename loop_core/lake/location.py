"""Where a lake is: its catalogue in SQLite or PostgreSQL, its files beside; and how it is attached."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path

import duckdb

from loop_core.errors import StorageError
from loop_core.lake.explain import explain, first_line
from loop_core.lake.extensions import connect

#: Schema of the lake's catalogue in a team's database.
LAKE_SCHEMA = "loopbench_lake"
#: What somebody can do about a workspace that can only be read.
FROZEN_TODO = "ask its owner for the right to write, or free space on its disk; reading works as it is"


@dataclass(frozen=True)
class LakeLocation:
    """Where a lake's catalogue and its Parquet files are."""

    catalog: str
    """Path of a SQLite file, or a `postgresql://…` address without its password."""
    data: str
    """Folder of the Parquet files."""
    lock: Path
    """Lock file of writers (embedded lakes only)."""
    frozen: str | None = None
    """Why nothing can be written, as a sentence; None: it can."""

    @property
    def embedded(self) -> bool:
        """SQLite catalogue (True) or PostgreSQL (False)."""
        return not self.catalog.startswith("postgresql://")


def attach(location: LakeLocation, create: bool, read_only: bool = False) -> duckdb.DuckDBPyConnection:
    """A connection with the lake attached as `lake`; `create`: made where there is none; `read_only`: nobody writes by it."""
    if location.embedded:
        return _attach_sqlite(location, create, read_only)
    connection = connect("ducklake", "postgres_scanner")
    try:
        connection.execute(
            f"ATTACH {_text(f'ducklake:postgres:{location.catalog}')} AS lake"
            f" (DATA_PATH {_text(location.data)}, METADATA_SCHEMA {_text(LAKE_SCHEMA)}, CREATE_IF_NOT_EXISTS {str(create).lower()}, OVERRIDE_DATA_PATH true"
            f"{', READ_ONLY' if read_only else ''})"
        )
    except duckdb.Error as error:
        raise StorageError(
            f"No lake at {location.catalog} ({first_line(str(error))})",
            "a reachable PostgreSQL",
            "start it, or check the address",
        ) from None
    return connection


def _attach_sqlite(location: LakeLocation, create: bool, read_only: bool) -> duckdb.DuckDBPyConnection:
    catalog = Path(location.catalog)
    if create:
        catalog.parent.mkdir(parents=True, exist_ok=True)
        try:
            with sqlite3.connect(catalog) as database:
                database.execute("pragma journal_mode=wal")
        except sqlite3.Error as error:
            raise StorageError(
                f"No catalogue can be made at {catalog} ({error})", todo="choose an empty folder, with space left"
            ) from None
    elif not catalog.exists():
        raise StorageError(f"There is no lake at {catalog}", "a workspace made by `loop init`", "check the path")
    connection = connect("ducklake", "sqlite_scanner")
    # Setting the journal's mode is a write.
    mode = "READ_ONLY" if read_only else "META_JOURNAL_MODE 'WAL'"
    try:
        # The catalogue notes where the data was; overriding it lets a workspace be moved or copied as a folder.
        connection.execute(
            f"ATTACH {_text(f'ducklake:sqlite:{catalog}')} AS lake"
            f" (DATA_PATH {_text(location.data)}, {mode}, META_BUSY_TIMEOUT 30000, OVERRIDE_DATA_PATH true,"
            f" CREATE_IF_NOT_EXISTS {str(create).lower()})"
        )
    except duckdb.Error as error:
        if not create and (why := _no_database(catalog)):
            # Never made anew: what people did would be gone without a word.
            raise StorageError(f"{catalog} is no lake's catalogue: {why}", todo="restore it from a backup") from None
        raise explain(error) from error
    return connection


def _no_database(catalog: Path) -> str | None:
    """Why a file cannot be a lake's catalogue; None: it looks like one."""
    if not catalog.is_file():
        return "it is no file"
    try:
        database = sqlite3.connect(f"{catalog.as_uri()}?mode=ro", uri=True)
        try:
            found = database.execute("select count(*) from sqlite_master where name = 'ducklake_metadata'").fetchone()
        finally:
            database.close()
    except sqlite3.DatabaseError as error:
        return None if isinstance(error, sqlite3.OperationalError) else str(error)
    return None if found[0] else "it is empty"


def _text(value: str) -> str:
    """A SQL text: ATTACH takes no bound parameters."""
    return "'" + value.replace("'", "''") + "'"
