"""Charts on a page."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import streamlit as st

from app.session import View
from loop_core.charts import specification


def draw(chart: Any, *, key: str, **options: Any) -> Any:
    """Draw a chart; the options are those of `st.altair_chart`, which would check every row against Altair's schema."""
    return st.vega_lite_chart(spec=specification(chart), key=key, **options)


def draw_once(view: View, build: Callable[[], Any], *, key: str, of: tuple[object, ...], **options: Any) -> Any:
    """Draw the chart that `build` makes of computed results, made once for the same `of` until lake or ledger change: to put
    a layered chart together takes longer than to compute what it shows.

    Args:
        view: the loop and the instant.
        build: makes the chart.
        key: of the chart on the page.
        of: tells the results from any others of the view.
        options: those of `st.altair_chart`.
    """
    text = _specification(key, view.where, tuple(map(str, of)), build)
    return st.vega_lite_chart(spec=json.loads(text), key=key, **options)


@st.cache_resource(show_spinner=False, max_entries=100, ttl=timedelta(hours=12))
def _specification(key: str, where: tuple[Any, ...], of: tuple[str, ...], _build: Callable[[], Any]) -> str:
    # As text, because Streamlit changes what it is given.
    return json.dumps(specification(_build()), default=str)
