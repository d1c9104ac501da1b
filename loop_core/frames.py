"""Results → rows → DataFrame: the one way every export, table and notebook gets its data."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from enum import Enum
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import polars as pl


def to_row(result: Any) -> dict[str, Any]:
    """One frozen dataclass → a dict of its fields; dataclasses within it, or within its sequences, become dicts too."""
    return {f.name: _plain(getattr(result, f.name)) for f in dataclasses.fields(result)}


def to_rows(results: Iterable[Any]) -> list[dict[str, Any]]:
    """Many frozen dataclasses → list of dicts."""
    return [to_row(result) for result in results]


def to_frame(results: Iterable[Any]) -> pl.DataFrame:
    """Many frozen dataclasses → polars DataFrame, (n_results, n_fields)."""
    import polars as pl

    return pl.DataFrame(to_rows(results), infer_schema_length=None)


def to_json(value: Any) -> Any:
    """Anything this package returns → plain JSON types: dates as ISO text, enums as words, paths as text, NaN as None."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: to_json(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, PurePath):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): to_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [to_json(item) for item in value]
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return None
    return value


def _plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return to_row(value)
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
