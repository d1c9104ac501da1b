"""DuckDB's extensions from their PyPI wheels: nothing is downloaded while the program runs."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path

import duckdb

from loop_core.errors import StorageError

#: Files whose signature DuckDB has checked in this process. Each check hashes 35 MB, which takes longer than what most
#: connections are opened for.
_checked: set[Path] = set()


def connect(*extensions: str) -> duckdb.DuckDBPyConnection:
    """An in-memory DuckDB with these extensions loaded, in UTC, which never looks for extensions itself.

    Raises:
        StorageError: an extension is neither in a wheel nor installed, or `LOOPBENCH_THREADS` is no number.
    """
    files = {name: _file(name) for name in extensions}
    connection = duckdb.connect(
        config={
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "allow_unsigned_extensions": str(bool(files) and set(files.values()) <= _checked).lower(),
            **_threads(),
        }
    )
    connection.execute("set global TimeZone = 'UTC'")
    for name, file in files.items():
        _load(connection, name, file)
    return connection


def _threads() -> dict[str, str]:
    """`LOOPBENCH_THREADS`: how many threads a query may use; unset, as many as there are cores. Where many processes share
    a machine, one each is a third less work altogether: what is small waits more for its threads than it gains."""
    asked = os.environ.get("LOOPBENCH_THREADS")
    if not asked:
        return {}
    if not asked.isdecimal() or not 1 <= int(asked) <= 1024:
        raise StorageError(f"LOOPBENCH_THREADS is {asked!r}", "a number from 1 to 1024", "correct it or unset it")
    return {"threads": asked}


def _file(name: str) -> Path | None:
    """The extension in its wheel; None: there is no such wheel, and DuckDB looks in its own folder."""
    spec = find_spec(f"duckdb_extension_{name}")
    folder = Path(spec.origin).parent if spec and spec.origin else None
    found = sorted(folder.rglob(f"v{duckdb.__version__}/{name}.duckdb_extension")) if folder else []
    return found[0] if found else None


def _load(connection: duckdb.DuckDBPyConnection, name: str, file: Path | None) -> None:
    try:
        connection.execute("LOAD '{}'".format(str(file).replace("'", "''")) if file else f"LOAD {name}")
    except duckdb.Error as error:
        raise StorageError(
            f"DuckDB {duckdb.__version__} cannot load its extension {name!r} ({error})",
            f"the wheel duckdb-extension-{name.replace('_', '-')}=={duckdb.__version__}",
            "install the locked requirements again",
        ) from None
    if file:
        _checked.add(file)
