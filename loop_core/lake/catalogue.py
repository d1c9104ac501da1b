"""The database under a DuckLake, asked in its own SQL: DuckDB would read its tables whole, which takes longer than a commit.

By DuckDB's connection all the same: a second SQLite in this process would end the locks of the first as it closes the file.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import duckdb

from loop_core.lake.explain import explain
from loop_core.lake.location import LAKE_SCHEMA, LakeLocation


class Catalogue:
    """DuckLake's own tables, and ours beside them. SQL here is what SQLite and PostgreSQL both understand."""

    def __init__(self, location: LakeLocation, connection: duckdb.DuckDBPyConnection) -> None:
        self._location, self._connection = location, connection

    def table(self, name: str) -> str:
        """A table's name as a statement has it."""
        return name if self._location.embedded else f"{LAKE_SCHEMA}.{name}"

    def target(self, name: str) -> str:
        """The same for `change`."""
        return f"__ducklake_metadata_lake.{name}" if self._location.embedded else self.table(name)

    def has(self, table: str) -> bool:
        """Whether there is such a table."""
        if self._location.embedded:
            return bool(
                self.rows(f"select 1 as there from sqlite_master where type = 'table' and name = {text(table)}")
            )
        schema = f"table_schema = {text(LAKE_SCHEMA)}"
        return bool(
            self.rows(f"select 1 as there from information_schema.tables where {schema} and table_name = {text(table)}")
        )

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """What a query finds."""
        kind = "sqlite" if self._location.embedded else "postgres"
        return self._run(f"from {kind}_query('__ducklake_metadata_lake', {text(sql)})")

    def change(self, statements: Sequence[str]) -> None:
        """Run statements in one transaction. For whoever has the turn to write."""
        if self._location.embedded:
            self._run("begin", *statements, "commit")
        else:
            self._run(f"call postgres_execute('__ducklake_metadata_lake', {text('; '.join(statements))})")

    def _run(self, *statements: str) -> list[tuple[Any, ...]]:
        with self._connection.cursor() as cursor:
            try:
                rows = [cursor.execute(sql).fetchall() for sql in statements]
            except duckdb.Error as error:
                raise explain(error) from error
        return rows[-1]


def text(value: str) -> str:
    """A SQL text; the two databases are given statements whole."""
    return "'" + value.replace("'", "''") + "'"
