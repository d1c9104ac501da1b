"""Charts on a page."""

from __future__ import annotations

from typing import Any

import streamlit as st

from loop_core.charts import specification


def draw(chart: Any, *, key: str, **options: Any) -> Any:
    """Draw a chart; the options are those of `st.altair_chart`, which would check every row against Altair's schema."""
    return st.vega_lite_chart(spec=specification(chart), key=key, **options)
