"""One feature in one window: reference beside current, and its score over time."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from app import evidence, session
from app.faults import boundary
from app.session import View
from app.widgets import labelled, moment, why
from loop_core import charts
from loop_core.frames import to_rows
from loop_core.monitor import DriftScore
from loop_core.monitor.drift.distribution import feature_distribution
from loop_core.monitor.drift.titles import TITLES


def take_clicked_cell() -> None:
    """A cell clicked in the heatmap becomes the chosen feature and window."""
    cells = st.session_state["heatmap"].selection.get("cell", [])
    if cells:
        st.session_state["feature"] = cells[0]["feature"]
        st.session_state["window"] = cells[0]["window"][:10]


def feature_detail(view: View, scores: Sequence[DriftScore], order: Sequence[str]) -> None:
    """Pick a feature and a window (or click one above), and look at both."""
    days = sorted({f"{score.window_start:%Y-%m-%d}" for score in scores}, reverse=True)
    place = st.container(horizontal=True, key="side_detail", vertical_alignment="center")
    with place:
        feature = labelled("feature", "Feature", order, key="feature", width=240)
        day = labelled("in the window from", "Window", days, key="window", width=150)
    mine = [score for score in scores if score.feature == feature]
    cell = next((score for score in mine if f"{score.window_start:%Y-%m-%d}" == day), mine[-1])
    with place:
        why(
            view,
            "Both are cut into the bins that the reference gave.",
            _call(cell),
            evidence.values_sql(view, cell),
            key="cell",
        )
    left, right = st.columns(2, gap="large")
    with left, boundary():
        st.markdown(f"##### {feature}: reference and {moment(cell.window_start)} – {moment(cell.window_end)}")
        _distribution(view, cell)
    with right:
        st.markdown(f"##### {feature}: {TITLES[cell.method]} by window")
        st.altair_chart(charts.drift_line(mine), key="psi_line")


def _distribution(view: View, cell: DriftScore) -> None:
    bins = session.compute(
        view, feature_distribution, feature=cell.feature, window_start=cell.window_start, window_end=cell.window_end,
        cohort=cell.cohort, cohort_value=cell.cohort_value,
    )  # fmt: skip
    numbers = {column.name for column in view.loop.charter.columns if column.type == "number"} | {"score"}
    st.altair_chart(
        charts.distributions(to_rows(bins), cell.feature, numeric=cell.feature in numbers), key="distribution"
    )


def _call(cell: DriftScore) -> str:
    window = (
        f"window_start=instant({cell.window_start.isoformat()!r}), window_end=instant({cell.window_end.isoformat()!r})"
    )
    return f"loop_core.monitor.drift.distribution:feature_distribution(loop, as_of, feature={cell.feature!r}, {window})"
