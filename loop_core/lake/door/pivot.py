"""`PIVOT t ON x` without its values: DuckDB would make a type of them first, which no query here may. They are looked up."""

from __future__ import annotations

import re
from collections.abc import Callable

import duckdb

from loop_core.errors import QueryError

#: Most columns a pivot may make.
MAX_VALUES = 1_000
_ENDS = ("using", "group", "order", "limit")
_OPEN, _CLOSE = "([{", ")]}"
_WORD = re.compile(r"[A-Za-z_]\w*")


def with_values(sql: str, values_of: Callable[[str], list[str]]) -> str | None:
    """The query with the values of its pivot written out; None: its outermost statement is no pivot.

    Args:
        sql: text of a query.
        values_of: runs a query of one column → its texts.
    """
    # DuckDB's tokenizer counts bytes, so the text is cut as bytes, one sign each.
    raw = sql.encode().decode("latin-1")
    words = _outer_words(raw)
    start = next((place for place, word in words if word == "pivot"), None)
    on = next((place for place, word in words if word == "on" and start is not None and place > start), None)
    if start is None or on is None:
        return None
    end = next((place for place, word in words if word in _ENDS and place > on), len(raw.rstrip().rstrip(";")))
    source = f"{_text(raw[:start])} select distinct cast((%s\n) as varchar) as v from {_text(raw[start + 5 : on])}"
    columns = [_with_values(_text(column), source, values_of) for column in _parts(raw, on + 2, end)]
    return f"{_text(raw[:on])}on {', '.join(columns)} {_text(raw[end:])}"


def _with_values(column: str, source: str, values_of: Callable[[str], list[str]]) -> str:
    if any(word == "in" for _, word in _outer_words(column.encode().decode("latin-1"))):
        return column
    values = values_of(f"from ({source.replace('%s', column)}) where v is not null order by v limit {MAX_VALUES + 1}")
    if not 0 < len(values) <= MAX_VALUES:
        count = f"more than {MAX_VALUES:,}" if values else "no"
        raise QueryError(
            f"A pivot on {column.strip()} would make {count} columns; at most {MAX_VALUES:,} are made",
            todo="pivot on something with fewer values, or write them: on x in ('a', 'b')",
        )
    texts = ", ".join("'" + value.replace("'", "''") + "'" for value in values)
    return f"cast(({column}\n) as varchar) in ({texts})"


def _text(raw: str) -> str:
    return raw.encode("latin-1").decode()


def _parts(raw: str, start: int, end: int) -> list[str]:
    """What stands between the commas outside brackets."""
    commas = [place for place, sign in _outer_signs(raw) if sign == "," and start <= place < end]
    return [raw[a:b] for a, b in zip([start, *(c + 1 for c in commas)], [*commas, end], strict=True)]


def _outer_words(raw: str) -> list[tuple[int, str]]:
    """(place, word in small letters) of every word outside brackets."""
    found = ((place, _WORD.match(raw, place)) for place, _ in _outer_signs(raw))
    return [(place, match.group(0).lower()) for place, match in found if match]


def _outer_signs(raw: str) -> list[tuple[int, str]]:
    """(place, first sign) of every token outside brackets."""
    found, depth = [], 0
    for place, kind in duckdb.tokenize(_text(raw)):
        sign = raw[place] if kind != duckdb.token_type.string_const else ""
        if sign and sign in _CLOSE:
            depth -= 1
        if sign and depth == 0:
            found.append((place, sign))
        if sign and sign in _OPEN:
            depth += 1
    return found
