"""One cell of the heatmap on its rows: every measure without bins, and what separates the window from the reference."""

from __future__ import annotations

import streamlit as st

from app import evidence, session
from app.drawn import draw
from app.drift import LOUD
from app.faults import plain
from app.session import View
from app.widgets import chip, mark_of, moment, table, why
from loop_core import charts
from loop_core.figures import numbers_apart
from loop_core.monitor import DriftScore
from loop_core.monitor.drift import domain_classifier, exact_drift
from loop_core.monitor.drift.titles import ROW_TITLES


def measures(view: View, cell: DriftScore) -> None:
    """Every measure on the rows themselves, without bins."""
    found = session.compute(view, exact_drift, **evidence.cell_of(cell))
    rows = [
        {
            "measure": ROW_TITLES.get(s.method, s.method),
            "state": mark_of(s.state),
            "value": s.value,
            "by chance": s.expected_by_chance,
            "threshold": s.threshold,
            "p": s.p_value,
            "folklore": s.folklore,
            "n reference": s.n_reference,
            "n current": s.n_current,
            "note": s.reason,
        }
        for s in found
    ]
    number = st.column_config.NumberColumn(format="%.4g", width=100)
    chance = st.column_config.NumberColumn(
        format="%.2g", width=90, help="about what the value would be on average if nothing had changed, at these sizes"
    )
    p_value = st.column_config.NumberColumn(
        format="%.2g", width=90, help="of the classical test on rows; it knows nothing of natural swing"
    )
    columns = {
        "value": number,
        "by chance": chance,
        "threshold": number,
        "p": p_value,
        "folklore": st.column_config.NumberColumn(format="%.2f"),
    }
    table(rows, "measures", columns, alt=f"Every measure of drift of {cell.feature}")
    why(
        view,
        "Values are computed on rows, thresholds and states are those of the binned value; p is that of the classical test.",
        evidence.cell_call("loop_core.monitor.drift:exact_drift", cell),
        key="measures",
    )


def separation(view: View, cell: DriftScore) -> None:
    """A classifier that tries to tell the window from the reference, on demand: all features together."""
    asked = evidence.window_of(cell)
    st.markdown(
        "Features can move together although none moves alone. A classifier tries to tell this window's rows from the "
        "reference's: AUC 0.5 means that it cannot."
    )
    key = f"{sorted((name, str(value)) for name, value in asked.items())}"
    if st.button("Ask the classifier", key="separate", icon=":material/call_split:"):
        st.session_state["separated"] = key
    if st.session_state.get("separated") != key:
        return
    with st.spinner("Training on both windows …"):
        found = session.compute(view, domain_classifier, **asked)
    if found.auc is None:
        st.info(f"It cannot be told. {plain(found.reason)}", icon=":material/hourglass_empty:")
        return
    ends = [end for end in (found.ci_low, found.ci_high) if end is not None]
    interval = f" (95 % {' – '.join(numbers_apart(*ends))})" if ends else ""
    told = "tells them apart" if found.state in LOUD else "does not tell them apart beyond chance"
    told = told if found.threshold is not None else "scores"
    auc, limit = numbers_apart(found.auc, found.auc if found.threshold is None else found.threshold)
    with st.container(horizontal=True, vertical_alignment="center"):
        chip(found.state)
        quiet = f" · 39 of 40 quiet windows stay under {limit}" if found.threshold is not None else ""
        rows = f"n = {found.n_reference:,} / {found.n_current:,}{quiet}"
        st.markdown(
            f"**It {told}: AUC {auc}{interval}** · {rows} · {moment(cell.window_start)} – {moment(cell.window_end)}"
        )
    if found.reason:
        st.info(plain(found.reason), icon=":material/hourglass_empty:")
    draw(charts.separating(found.features[:15]), key="separating")
    why(
        view,
        "Cross-validated LightGBM (Rabanser, Günnemann, Lipton 2019), beside what it scores for windows of the reference.",
        evidence.cell_call("loop_core.monitor.drift:domain_classifier", cell, feature=False),
        key="separation",
    )
