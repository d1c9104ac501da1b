"""DuckDB's extensions from their PyPI wheels: nothing is downloaded while the program runs."""

from __future__ import annotations

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
        StorageError: an extension is neither in a wheel nor installed.
    """
    files = {name: _file(name) for name in extensions}
    connection = duckdb.connect(
        config={
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "allow_unsigned_extensions": str(bool(files) and set(files.values()) <= _checked).lower(),
        }
    )
    connection.execute("set global TimeZone = 'UTC'")
    for name, file in files.items():
        _load(connection, name, file)
    return connection


def _file(name: str) -> Path | None:
    """The extension in its wheel; None: there is no such wheel, and DuckDB looks in its own folder."""
    spec = find_spec(f"duckdb_extension_{name}")
    folder = Path(spec.origin).parent if spec and spec.origin else None
    found = sorted(folder.rglob(f"v{duckdb.__version__}/{name}.duckdb_extension")) if folder else []
    return found[0] if found else None


def _load(connection: duckdb.DuckDBPyConnection, name: str, file: Path | None) -> None:
    try:
        connection.execute(f"LOAD '{file}'" if file else f"LOAD {name}")
    except duckdb.Error as error:
        raise StorageError(
            f"DuckDB {duckdb.__version__} cannot load its extension {name!r} ({error})",
            f"the wheel duckdb-extension-{name.replace('_', '-')}=={duckdb.__version__}",
            "install the locked requirements again",
        ) from None
    if file:
        _checked.add(file)
