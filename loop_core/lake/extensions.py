"""DuckDB's extensions from their PyPI wheels: nothing is downloaded while the program runs."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import duckdb

from loop_core.errors import StorageError


def connect(*extensions: str) -> duckdb.DuckDBPyConnection:
    """An in-memory DuckDB with these extensions loaded, in UTC, which never looks for extensions itself.

    Raises:
        StorageError: an extension is neither in a wheel nor installed.
    """
    connection = duckdb.connect(config={"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"})
    connection.execute("set global TimeZone = 'UTC'")
    for name in extensions:
        _load(connection, name)
    return connection


def _load(connection: duckdb.DuckDBPyConnection, name: str) -> None:
    spec = find_spec(f"duckdb_extension_{name}")
    folder = Path(spec.origin).parent if spec and spec.origin else None
    found = sorted(folder.rglob(f"v{duckdb.__version__}/{name}.duckdb_extension")) if folder else []
    target = f"'{found[0]}'" if found else name
    try:
        connection.execute(f"LOAD {target}")
    except duckdb.Error as error:
        raise StorageError(
            f"DuckDB {duckdb.__version__} cannot load its extension {name!r} ({error})",
            f"the wheel duckdb-extension-{name.replace('_', '-')}=={duckdb.__version__}",
            "install the locked requirements again",
        ) from None
