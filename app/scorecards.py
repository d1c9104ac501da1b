"""Parts of a scorecard on a page: its blocks, its rows, its gates."""

from __future__ import annotations

from typing import Any

import streamlit as st

from app.faults import plain
from app.widgets import mark_of
from loop_core.charts import who
from loop_core.compare import Cell, GateResult

BLOCKS = {"goal": "Goals", "guardrail": "Guardrails", "signal": "Signals, shown only"}
_GATES = {"passed": ("●", "blue"), "held": ("○", "gray"), "blocked": ("▲", "red")}


def row(cell: Cell) -> dict[str, Any]:
    """One cell as a line of a table."""
    return {
        "verdict": mark_of(cell.verdict),
        "group": who(cell),
        "metric": cell.metric.replace("_", " "),
        "n": cell.n,
        "champion": _rounded(cell.champion),
        "challenger": _rounded(cell.challenger),
        "difference": _rounded(cell.difference),
        "95 % from": _rounded(cell.ci_low),
        "to": _rounded(cell.ci_high),
        "margin": cell.margin,
        "rows needed": cell.rows_needed,
        "note": cell.reason or cell.method,
    }


def gate_line(gate: GateResult) -> None:
    """One gate: mark, name, why, and what to do next."""
    mark, colour = _GATES[gate.state]
    st.markdown(f":{colour}[**{mark} {gate.state}**] {plain(gate.name)}  \n{plain(gate.sentence)}")
    if gate.state != "passed" and gate.next_step:
        st.caption(f"Next: {plain(gate.next_step)}")


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 5)
