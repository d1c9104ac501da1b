"""Expressions of a charter: one value of one row, computed from its declared columns by functions and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import duckdb

from loop_core.errors import QueryError
from loop_core.lake.door.allowed import ROW_EXPRESSIONS, ROW_FUNCTIONS
from loop_core.lake.door.statement import expressions, parse, parser, read_select
from loop_core.lake.explain import first_line
from loop_core.lake.tables import quoted


def check_expression(expression: str, columns: Mapping[str, str]) -> str:
    """Compile an expression against columns → its DuckDB type.

    Args:
        expression: SQL over the columns of one row.
        columns: column → DuckDB type.

    Raises:
        QueryError: it is no such expression, names another column, or its types do not fit.

    >>> check_expression("price > 10", {"price": "double"})
    'BOOLEAN'
    """
    return _checked(expression, tuple(columns.items()))


@lru_cache(maxsize=4096)
def _checked(expression: str, columns: tuple[tuple[str, str], ...]) -> str:
    # Alone and in brackets it must be the same one value: "a) as x, (b" is none.
    alone = _only_value(f"select {expression}\n from t")
    if _only_value(f"select ({expression}\n) from t") != alone or alone is None:
        raise QueryError(f"{_short(expression)} is not one expression")
    for part in expressions(alone[0]):
        _refuse_others(part, expression)
    read_select(f"select ({expression}\n) from t", {"t"})
    return _type_of(expression, columns)


def _only_value(sql: str) -> list[object] | None:
    """The one value a SELECT from `t` computes, without places in the text; None: it does something else."""
    tree = _without_places(parse(sql))
    plain = _without_places(parse("select 1 from t"))
    values = tree.pop("select_list", [])
    plain.pop("select_list")
    return values if tree == plain and len(values) == 1 and not values[0].get("alias") else None


def _without_places(tree: object) -> dict:  # type: ignore[type-arg]
    if isinstance(tree, dict):
        return {key: _without_places(value) for key, value in tree.items() if key != "query_location"}
    return [_without_places(item) for item in tree] if isinstance(tree, list) else tree  # type: ignore[return-value]


def _refuse_others(part: Mapping[str, object], expression: str) -> None:
    if part["class"] not in ROW_EXPRESSIONS:
        kind = str(part["class"]).replace("_", " ").lower()
        raise QueryError(
            f"{_short(expression)} holds a {kind}; an expression computes one row's value from its columns"
        )
    if part["class"] == "FUNCTION" and str(part["function_name"]).lower() not in ROW_FUNCTIONS:
        raise QueryError(
            f"Function {part['function_name']!r} cannot be used in an expression; functions of numbers, text, times and "
            "lists can, and neither aggregates nor the clock"
        )


def _type_of(expression: str, columns: tuple[tuple[str, str], ...]) -> str:
    cursor = parser().cursor()
    try:
        cursor.execute(f"create temp table t ({', '.join(f'{quoted(name)} {kind}' for name, kind in columns)})")
        return str(cursor.execute(f"describe select ({expression}\n) as v from (from t)").fetchall()[0][1])
    except (duckdb.Error, UnicodeError) as error:
        raise QueryError(f"{_short(expression)} cannot be evaluated ({first_line(str(error))})") from None
    finally:
        cursor.close()


def _short(expression: str) -> str:
    return repr(expression if len(expression) <= 60 else expression[:57] + "…")
