"""Columns of numbers that are read side by side, in as many decimals as it takes to tell them apart."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import streamlit as st

from loop_core.figures import column_decimals


def apart(
    rows: Sequence[Mapping[str, Any]],
    names: Iterable[str],
    *,
    least: int = 4,
    sign: str = "",
    down: bool = False,
    width: int | None = None,
) -> dict[str, Any]:
    """Name → its column.

    Args:
        rows: of the table.
        names: of columns that are read beside one another.
        least: decimals, at least.
        sign: `"+"`: a plus stands before what is above zero.
        down: they are read down, each by itself, and not across.
        width: in pixels; None: as wide as they are.
    """
    wanted = list(names)
    groups = (
        [[row.get(name) for row in rows] for name in wanted] if down else [[row.get(n) for n in wanted] for row in rows]
    )
    if not down:
        places = column_decimals(groups, least)
        return {name: _column(sign, places, width) for name in wanted}
    return {
        name: _column(sign, column_decimals([group], least), width) for name, group in zip(wanted, groups, strict=True)
    }


def _column(sign: str, places: int, width: int | None) -> Any:
    return st.column_config.NumberColumn(format=f"%{sign}.{places}f", width=width)
