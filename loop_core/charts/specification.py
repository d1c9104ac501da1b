"""A chart as plain Vega-Lite, for a page that draws it."""

from __future__ import annotations

import json
from typing import Any


def specification(chart: Any) -> dict[str, Any]:
    """The chart's Vega-Lite specification, its rows as lists and its size left to whoever draws it.

    Rows travel as JSON text inside a chart (see `palette.chart`); Vega reads that, Streamlit takes only lists.
    """
    # Not checked against Vega-Lite's schema here: the tests do that for every chart, and a page need not wait for it.
    spec: dict[str, Any] = chart.to_dict(validate=False)
    # Altair's default size, which is none of the chart's own.
    spec.get("config", {}).get("view", {}).clear()
    _unpack(spec)
    return spec


def _unpack(part: Any) -> None:
    if isinstance(part, list):
        for inner in part:
            _unpack(inner)
    elif isinstance(part, dict):
        data = part.get("data")
        if isinstance(data, dict) and isinstance(data.get("values"), str):
            part["data"] = {"values": json.loads(data["values"])}
        for name in ("layer", "vconcat", "hconcat", "concat", "spec"):
            _unpack(part.get(name))
