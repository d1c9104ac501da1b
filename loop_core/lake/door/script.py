"""A script of `create table … as select …`: what a recipe prepares, each SELECT checked like any other query."""

from __future__ import annotations

import re
from collections.abc import Set

import duckdb

from loop_core.errors import QueryError
from loop_core.lake.door.statement import parser, read_select
from loop_core.lake.explain import first_line

_CREATE = re.compile(
    r"create (or replace )?(temp |temporary )?(table|view) (if not exists )?(\"(?P<quoted>[^\"]+)\"|(?P<plain>\w+)) as$"
)


def read_script(sql: str, tables: Set[str]) -> list[tuple[str, str]]:
    """The statements of a script, each with the table or view that it makes.

    Args:
        sql: text of the script.
        tables: names that its SELECTs may read; later ones may read what earlier ones made.

    Raises:
        QueryError: a statement is not `create [temp] table|view NAME as SELECT`, or its SELECT is not allowed.
    """
    known, found = set(tables), []
    for statement in _statements(sql):
        name, select = _parts(statement)
        read_select(select, known)
        known.add(name)
        found.append((statement, name))
    return found


def _statements(sql: str) -> list[str]:
    try:
        return [statement.query for statement in parser().cursor().extract_statements(sql)]
    except (duckdb.Error, UnicodeError) as error:
        raise QueryError(f"The script cannot be read ({first_line(str(error))})") from None


def _parts(statement: str) -> tuple[str, str]:
    """Name and SELECT of a statement that makes a table or view."""
    raw = statement.encode().decode("latin-1")
    places = [place for place, kind in duckdb.tokenize(statement) if kind != duckdb.token_type.comment]
    ends = [*places[1:], len(raw)]
    head = ""
    # `create or replace temporary table if not exists "name" as` has ten words.
    for start, end in list(zip(places, ends, strict=True))[:10]:
        head += raw[start:end].split("--")[0].split("/*")[0].strip()
        if match := _CREATE.fullmatch(head.encode("latin-1").decode().lower()):
            name = match.group("quoted") or match.group("plain")
            return name, raw[end:].encode("latin-1").decode()
        head += " "
    raise QueryError(
        "A script makes tables and views, each by `create temp table NAME as SELECT …`; no other statement is run"
    )
