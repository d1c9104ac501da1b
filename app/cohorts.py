"""One metric by the values of a cohort, newest complete window each."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from app.widgets import bounded, empty, mark_of, moment, short, table
from loop_core.monitor import PerformancePoint


def cohort_table(points: Sequence[PerformancePoint], cohort: str, metric: str) -> None:
    """Largest groups first; groups without a complete window are left out and counted."""
    newest = {point.cohort_value: point for point in points if point.value is not None}
    if not newest:
        empty(
            "No group has enough labels yet", "Choose a cohort with larger groups, or wait for labels.", key="nocohort"
        )
        return
    largest = sorted(newest.values(), key=lambda point: -point.n)
    number = st.column_config.NumberColumn(format="%.3f")
    rows = [
        {
            cohort: p.cohort_value, "state": mark_of(p.state), metric: p.value, "95 % from": p.ci_low, "to": p.ci_high,
            "n": p.n, "window": moment(p.window_start), "model": short(p.model_version),
        }
        for p in bounded(largest, "cohorts", "groups")
    ]  # fmt: skip
    table(rows, "by_cohort", {metric: number, "95 % from": number, "to": number}, alt=f"{metric} by {cohort}")
    waiting = len({point.cohort_value for point in points}) - len(newest)
    if waiting:
        st.caption(f"○ {waiting} groups have no complete window yet.")
