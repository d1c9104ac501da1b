"""A workspace that can only be read: by a user without the right to write, from a read-only disk, or on a full one.

SQLite in WAL mode writes even to read: it makes a file beside the database. So the databases are copied to a folder of
this process, and read there; the copy is of one moment. Parquet files are read where they are.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Sequence
from pathlib import Path

from loop_core.errors import StorageError
from loop_core.paths import scratch_file

#: A disk with less room is full: SQLite's file for readers would not fit, nor an entry and its log.
_ROOM = 262_144
_TRIES = 50
_PAUSE = 0.05


def can_write(*databases: Path) -> bool:
    """Whether this user may write SQLite files and what it puts beside them."""
    return all(os.access(place, os.W_OK) for file in databases for place in (file, file.parent))


def is_full(folder: Path) -> bool:
    """Whether the disk of a folder has no room to write."""
    return shutil.disk_usage(folder).free < _ROOM


def copy_databases(databases: Sequence[Path]) -> list[Path]:
    """Copies of SQLite files with what their logs hold, each as of one moment.

    Raises:
        StorageError: one cannot be read, or is written to all the time.
    """
    folder = scratch_file()
    folder.mkdir(mode=0o700)
    try:
        return [_copy(file, folder) for file in databases]
    except OSError as error:
        raise StorageError(
            f"{error.filename or folder} cannot be read ({error.strerror})",
            todo="ask the owner of the workspace for the right to read it",
        ) from None


def stamp(*databases: Path) -> tuple[tuple[int, int], ...]:
    """Tells when a copy is out of date: sizes and dates of the files and their logs."""
    return tuple(fact for file in databases for fact in (_facts(file), _facts(_log(file))))


def _copy(file: Path, folder: Path) -> Path:
    target = folder / file.name
    for _ in range(_TRIES):
        before = stamp(file)
        shutil.copyfile(file, target)
        _log(target).unlink(missing_ok=True)
        if _log(file).exists():
            shutil.copyfile(_log(file), _log(target))
        if stamp(file) == before:
            return target
        time.sleep(_PAUSE)
    raise StorageError(f"{file} is written to all the time, so no copy of one moment can be read", todo="try again")


def _log(file: Path) -> Path:
    return file.with_name(f"{file.name}-wal")


def _facts(file: Path) -> tuple[int, int]:
    try:
        facts = file.stat()
    except FileNotFoundError:
        return 0, 0
    return facts.st_size, facts.st_mtime_ns
