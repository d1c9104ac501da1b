"""Which inputs moved, when, and how the moved ones look now."""

import streamlit as st

from app import session
from app.widgets import bounded, cohort_picker, empty, moment, verdict, why, worst
from loop_core import charts
from loop_core.monitor import DriftScore, drift_scores, feature_distribution
from loop_core.vocabulary import State

view = session.current()
opening = st.container()
with st.container(horizontal=True, key="side_choices"):
    weeks = st.selectbox(
        "Windows",
        [8, 12, 26],
        1,
        key="weeks",
        bind="query-params",
        width=180,
        label_visibility="collapsed",
        format_func="last {} windows".format,
    )
    cohort = cohort_picker(view)
scores = session.compute(view, drift_scores, weeks=weeks, cohort=cohort)
if not scores:
    empty(
        "No window yet",
        "Drift needs a reference period and one window after it. Bring in predictions first.",
        "To the signals",
        "signals",
    )
    st.stop()
if cohort:
    values = list(dict.fromkeys(s.cohort_value for s in scores))
    value = st.pills("Cohort value", values, default=values[0], key="value", bind="query-params", required=True)
    scores = [s for s in scores if s.cohort_value == value]

newest = max(s.window_start for s in scores)
now = [s for s in scores if s.window_start == newest]
drifted = [s for s in now if s.state in (State.WATCH, State.ALARM)]
order = charts.worst_first(scores)
chance = view.loop.charter.monitor.alarm_share * len(now)
with opening:
    verdict(
        f"{len(drifted)} of {len(now)} features drifted (about {chance:.1g} expected by chance)"
        + (f"; worst: {order[0]}." if drifted else "."),
        worst([s.state for s in now]),
        f"Window {moment(newest)} – {moment(now[0].window_end)} · n = {now[0].n_reference:,} in the reference, {max(s.n_current for s in now):,} now",
    )
shown = bounded(order, "features", "features")


def pick() -> None:
    """A clicked cell becomes the chosen feature and window."""
    cells = st.session_state["heatmap"].selection.get("cell", [])
    if cells:
        st.session_state["feature"] = cells[0]["feature"]
        st.session_state["window"] = cells[0]["window"][:10]


st.altair_chart(charts.drift_heatmap(scores, shown), key="heatmap", on_select=pick)
why(
    view, "PSI against the reference bins. The threshold is the 99th percentile of PSI between windows drawn from the reference with this window's row count.",
    f"loop_core.monitor:drift_scores(loop, as_of, weeks={weeks}, cohort={cohort!r})",
)  # fmt: skip

windows = sorted({f"{s.window_start:%Y-%m-%d}" for s in scores}, reverse=True)
with st.container(horizontal=True, key="cell_choice"):
    feature = st.selectbox("Feature", order, key="feature", bind="query-params", width=260)
    window = st.selectbox("Window from", windows, key="window", bind="query-params", width=170)
mine: list[DriftScore] = sorted((s for s in scores if s.feature == feature), key=lambda s: s.window_start)
cell = next((s for s in mine if f"{s.window_start:%Y-%m-%d}" == window), mine[-1])
left, right = st.columns(2, gap="large")
with left:
    st.markdown(f"##### {feature}: reference and {moment(cell.window_start)} – {moment(cell.window_end)}")
    bins = session.compute(
        view, feature_distribution, feature=feature, window_start=cell.window_start, window_end=cell.window_end
    )
    st.altair_chart(charts.distributions(bins, feature, numeric=True), key="distribution")
with right:
    st.markdown(f"##### {feature}: PSI by window")
    st.altair_chart(charts.drift_line(mine), key="psi_line")
