"""A person's SQL text → one parsed SELECT, checked node by node against what is allowed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Set
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import duckdb

from loop_core.errors import QueryError
from loop_core.lake.door.allowed import EXPRESSIONS, FUNCTIONS, NODES, TABLE_FUNCTIONS
from loop_core.lake.door.bounds import out_of_bounds
from loop_core.lake.explain import first_line

#: Longest query, in characters.
MAX_CHARACTERS = 50_000
#: A CTE is called like nothing that DuckDB itself or a file could be called.
_CTE_NAME = re.compile(r"(?!(duckdb|pg|sqlite|pragma|information|ducklake)_)\w+", re.IGNORECASE)


@dataclass(frozen=True)
class Statement:
    """One SELECT that only names what it may."""

    sql: str
    """Its text."""
    tables: frozenset[str]
    """Views it reads, in small letters."""
    parameters: frozenset[str]
    """Names of its `$parameters`."""


def read_select(sql: str, views: Set[str]) -> Statement:
    """Parse and check a query.

    Args:
        sql: its text.
        views: names it may read from.

    Raises:
        QueryError: it is not one SELECT, or names a table or function that is not allowed.
    """
    try:
        return _Check(frozenset(name.lower() for name in views)).statement(sql, parse(sql))
    except RecursionError:
        raise QueryError("The query is nested too deeply", todo="write it in fewer levels, e.g. with CTEs") from None


def parse(sql: str) -> Any:
    """The tree of the one SELECT in a text, as DuckDB serialises it. QueryError where it is something else."""
    if len(sql) > MAX_CHARACTERS:
        raise QueryError(f"The query has {len(sql):,} characters; at most {MAX_CHARACTERS:,} are read")
    try:
        sql.encode()  # DuckDB takes no halves of surrogate pairs
        text = parser().cursor().execute("select json_serialize_sql($sql)", {"sql": sql}).fetchall()[0][0]
        tree = json.loads(text)
    except (duckdb.Error, UnicodeError) as error:
        raise QueryError(f"The query cannot be read ({first_line(str(error))})") from None
    if tree["error"]:
        raise QueryError(*_syntax(tree))
    if not tree["statements"]:
        raise QueryError("The query is empty", todo="write one SELECT, e.g. select count(*) from predictions")
    if len(tree["statements"]) != 1:
        raise QueryError(f"A query is one SELECT, and this text holds {len(tree['statements'])} statements")
    return tree["statements"][0]["node"]


def _syntax(tree: Any) -> tuple[str, str, str]:
    message = first_line(tree["error_message"])
    if tree["error_type"] == "parser":
        return f"The query cannot be read ({message})", "", "correct its SQL"
    if "SELECT" in message:
        return "A query is one SELECT (also WITH, FROM, VALUES, PIVOT, SUMMARIZE); no other statement is run", "", ""
    return f"The query cannot be read ({message})", "", "use parameters by name, e.g. $as_of"


@lru_cache(maxsize=1)
def parser() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(
        config={"autoinstall_known_extensions": "false", "autoload_known_extensions": "false", "threads": "1"}
    )
    connection.execute("set enable_external_access = false")
    connection.execute("set lock_configuration = true")
    return connection


class _Check:
    """A walk over the tree; `scope` holds the names that a FROM may name at a place."""

    def __init__(self, views: frozenset[str]) -> None:
        self._views = views
        self._tables: set[str] = set()
        self._parameters: set[str] = set()

    def statement(self, sql: str, tree: Any) -> Statement:
        self._visit(tree, frozenset())
        return Statement(sql, frozenset(self._tables), frozenset(self._parameters))

    def _visit(self, part: Any, scope: frozenset[str]) -> None:
        if isinstance(part, list):
            for item in part:
                self._visit(item, scope)
        elif isinstance(part, dict):
            self._visit_dict(part, scope)

    def _visit_dict(self, part: dict[str, Any], scope: frozenset[str]) -> None:
        if part.get("type") == "RECURSIVE_CTE_NODE":
            self._recursive(part, scope)
            return
        if "cte_map" in part:
            scope = self._ctes(part["cte_map"]["map"], scope)
        if "class" in part:
            self._expression(part)
            if part["class"] == "CONSTANT":
                return
        elif isinstance(part.get("type"), str) and "id" not in part:
            self._node(part, scope)
        for key, value in part.items():
            if key in ("cte_map", "type_info", "cast_type"):
                continue
            # The function of a FROM is allowed already; its arguments are expressions like others.
            of_from = key == "function" and part.get("type") == "TABLE_FUNCTION"
            self._visit(value["children"] if of_from else value, scope)

    def _ctes(self, ctes: list[Any], scope: frozenset[str]) -> frozenset[str]:
        """A CTE sees those before it, and itself only where it is recursive."""
        for cte in ctes:
            self._visit(cte["value"], scope)
            if not _CTE_NAME.fullmatch(cte["key"]):
                raise QueryError(f"{cte['key']!r} is no name of a CTE", todo="use letters, digits and underscores")
            scope |= {cte["key"].lower()}
        return scope

    def _recursive(self, part: dict[str, Any], scope: frozenset[str]) -> None:
        """Only the step of a recursion sees what it makes; its start sees what was there before."""
        inner = self._ctes(part["cte_map"]["map"], scope)
        for key, value in part.items():
            if key not in ("cte_map", "right"):
                self._visit(value, inner)
        self._visit(part["right"], inner | {part["cte_name"].lower()})

    def _expression(self, part: dict[str, Any]) -> None:
        if part["class"] not in EXPRESSIONS:
            raise QueryError(f"{part['class'].replace('_', ' ').lower()} is no part of a query here")
        if part["class"] == "PARAMETER":
            self._parameters.add(part["identifier"])
        if part["class"] in ("FUNCTION", "WINDOW"):
            _allowed_function(part)

    def _node(self, part: dict[str, Any], scope: frozenset[str]) -> None:
        kind = part["type"]
        if kind not in NODES:
            raise QueryError(f"{kind.replace('_', ' ').lower()} is no part of a query here")
        if kind == "BASE_TABLE":
            self._table(part, scope)
        if kind == "TABLE_FUNCTION":
            _allowed_table_function(part["function"])
        if kind == "SHOW_REF" and not part.get("query"):
            raise QueryError("SUMMARIZE and DESCRIBE are of a view or a query", f"one of {self._listed()}")

    def _table(self, part: dict[str, Any], scope: frozenset[str]) -> None:
        name = part["table_name"]
        if part.get("catalog_name") or part.get("schema_name"):
            full = ".".join(filter(None, (part.get("catalog_name"), part.get("schema_name"), name)))
            raise QueryError(f"{full} cannot be read; a query names its views alone: {self._listed()}")
        if part.get("at_clause"):
            raise QueryError(f"{name} is read as of one instant; AT cannot choose another", todo="use --as-of")
        if name.lower() in scope:
            return
        if name.lower() not in self._views:
            raise QueryError(f"There is no view {name!r}; a query reads from {self._listed()}")
        self._tables.add(name.lower())

    def _listed(self) -> str:
        return ", ".join(sorted(self._views)) or "nothing"


def _allowed_function(part: dict[str, Any]) -> None:
    name = str(part["function_name"]).lower()
    if part.get("schema") not in (None, "", "main") or part.get("catalog") not in (None, "", "system"):
        raise QueryError(f"Function {name!r} is named with a schema", todo="name it alone")
    if name not in FUNCTIONS:
        raise QueryError(
            f"Function {name!r} cannot be used in a query; functions of values, times, text and lists, "
            "aggregates and window functions can"
        )
    if part["class"] == "FUNCTION" and (wrong := out_of_bounds(name, part.get("children") or [])):
        raise QueryError(wrong)


def _allowed_table_function(function: dict[str, Any]) -> None:
    name = str(function.get("function_name", "")).lower()
    if name not in TABLE_FUNCTIONS or function.get("schema") not in (None, "", "main") or function.get("catalog"):
        raise QueryError(
            f"FROM {name}(…) cannot be used in a query; table functions that can: {', '.join(sorted(TABLE_FUNCTIONS))}"
        )
    if wrong := out_of_bounds(f"from {name}", function.get("children") or []):
        raise QueryError(wrong)


def expressions(tree: Any) -> Iterator[dict[str, Any]]:
    """Every expression in a tree."""
    if isinstance(tree, list):
        for item in tree:
            yield from expressions(item)
    elif isinstance(tree, dict):
        if "class" in tree:
            yield tree
        for value in tree.values():
            yield from expressions(value)
