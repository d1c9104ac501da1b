"""The heatmap, and one cell of it from every side: distributions, history, groups, importance, rows, Evidently."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import streamlit as st

from app import evidence, session
from app.drawn import draw
from app.drift import Asked
from app.exact import measures, separation
from app.faults import boundary, plain
from app.moved import groups, importance_quadrant
from app.report import evidently_panel
from app.session import View
from app.widgets import bounded, labelled, moment, why
from loop_core import charts
from loop_core.frames import to_rows
from loop_core.monitor import DriftScore
from loop_core.monitor.drift.distribution import feature_distribution
from loop_core.monitor.drift.titles import TITLES


@dataclass(frozen=True)
class Drifted:
    """What the page found."""

    asked: Asked
    scores: Sequence[DriftScore]
    """Of one cohort value."""
    order: Sequence[str]
    """Features, what matters most first."""
    importance: Mapping[str, float]


@st.fragment
def explore(view: View, found: Drifted) -> None:
    """The heatmap and, beneath it, the cell that is chosen: a click reruns only this."""
    heatmap, legend, below = st.container(), st.container(), st.container()
    with below:
        cell, mine = _chosen(view, found)
    with legend:
        shown = bounded(found.order, "features", "features")
    with heatmap, boundary():
        made = charts.drift_heatmap(found.scores, shown, found.importance, (cell.feature, _day(cell)))
        draw(made, key="heatmap", on_select=take_clicked_cell)
        click = "" if view.presenting else " Click a cell to look into it."
        weighed = "Beside the name: share of the champion's mean |SHAP|. " if found.importance else ""
        st.caption(
            f"▲ alarm · ◆ watch · ○ not enough rows · the deeper the colour, the further from quiet. {weighed}{click}"
        )
    with below:
        _look(view, found, cell, mine)


def take_clicked_cell() -> None:
    """A cell clicked in the heatmap becomes the chosen feature and window."""
    cells = st.session_state["heatmap"].selection.get("cell", [])
    if cells:
        st.session_state["feature"] = cells[0]["feature"]
        st.session_state["window"] = cells[0]["window"][:10]


def _chosen(view: View, found: Drifted) -> tuple[DriftScore, list[DriftScore]]:
    """Pickers → the chosen cell, and its feature's scores in time order."""
    days = sorted({_day(score) for score in found.scores}, reverse=True)
    with st.container(horizontal=True, key="side_detail", vertical_alignment="center"):
        feature = labelled("feature", "Feature", found.order, key="feature", width=240)
        first = labelled("in the window from", "Window", days, key="window", width=150)
        mine = [score for score in found.scores if score.feature == feature]
        cell = next((score for score in mine if _day(score) == first), mine[-1])
        why(
            view,
            "Both windows are cut into the bins that the reference gave.",
            evidence.cell_call("loop_core.monitor.drift.distribution:feature_distribution", cell),
            key="cell",
        )
    return cell, mine


def _look(view: View, found: Drifted, cell: DriftScore, mine: Sequence[DriftScore]) -> None:
    looks: dict[str, Callable[[], None]] = {
        "Distribution": lambda: _distribution(view, cell, mine),
        "Groups": lambda: groups(view, found.asked, cell),
        "Does it matter?": lambda: importance_quadrant(view, found.scores, cell, found.importance),
        "Every measure": lambda: measures(view, cell),
        "What separates": lambda: separation(view, cell),
        "Evidently": lambda: evidently_panel(view, cell.window_start, cell.window_end, cell.cohort, cell.cohort_value),
    }
    if view.presenting:
        _distribution(view, cell, mine)
        return
    for tab, show in zip(st.tabs(list(looks), key="look", bind="query-params"), looks.values(), strict=True):
        if tab.open:
            with tab, boundary():
                show()


def _distribution(view: View, cell: DriftScore, mine: Sequence[DriftScore]) -> None:
    left, right = st.columns(2, gap="large")
    with left, boundary():
        st.markdown(
            f"##### {plain(cell.feature)}: reference and {moment(cell.window_start)} – {moment(cell.window_end)}"
        )
        bins = session.compute(
            view, feature_distribution, feature=cell.feature, window_start=cell.window_start, window_end=cell.window_end,
            cohort=cell.cohort, cohort_value=cell.cohort_value,
        )  # fmt: skip
        numbers = {column.name for column in view.loop.charter.columns if column.type == "number"} | {
            "score",
            *view.loop.charter.score_columns,
        }
        drawn = charts.distributions(to_rows(bins), cell.feature, numeric=cell.feature in numbers)
        draw(drawn, key="distribution")
    with right:
        title = TITLES.get(cell.method, cell.method)
        st.markdown(f"##### {plain(cell.feature)}: {title} by window")
        draw(charts.drift_line(mine, _day(cell)), key="drift_line")
        folk = f", dashed grey the folklore value {cell.folklore:g}" if cell.folklore is not None else ""
        chance = ""
        if cell.expected_by_chance is not None:
            chance = f" With {cell.n_current:,} rows against {cell.n_reference:,}, chance alone gives about {cell.expected_by_chance:.2g}."
        st.caption(f"The band is what quiet windows of as many rows stay in{folk}.{chance}")


def _day(score: DriftScore) -> str:
    return f"{score.window_start:%Y-%m-%d}"
