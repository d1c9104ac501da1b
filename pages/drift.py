"""Which inputs moved, when, and how the moved ones look now."""

import streamlit as st

from app import session
from app.feature import feature_detail, take_clicked_cell
from app.widgets import bounded, cohort_picker, empty, labelled, moment, verdict, why, worst
from loop_core import charts
from loop_core.monitor import drift_scores
from loop_core.vocabulary import State

HOW = """PSI against the reference bins. The threshold is the value that a quiet window of as many rows exceeds
only rarely, learned from the reference period itself; the folklore value (0.1) is shown for orientation."""

view = session.current()
opening = st.container()
with st.container(horizontal=True, key="side_choices", vertical_alignment="center"):
    weeks = labelled("windows", "Windows", [8, 12, 26], key="weeks", width=100, index=1)
    cohort = cohort_picker(view)
    why(view, HOW, f"loop_core.monitor:drift_scores(loop, as_of, weeks={weeks}, cohort={cohort!r})")
scores = session.compute(view, drift_scores, weeks=weeks, cohort=cohort)
if not scores:
    with opening:
        verdict("There is nothing to compare yet.", State.PENDING)
    empty("No window yet", "Drift needs a reference period and one window after it.", "To the signals", "signals")
    st.stop()
if cohort:
    sizes = {s.cohort_value: s.n_reference for s in scores}
    values = sorted(sizes, key=lambda value: -sizes[value])[:12]
    value = st.pills(
        cohort, values, default=values[0], key="value", bind="query-params", required=True, label_visibility="collapsed"
    )
    scores = [score for score in scores if score.cohort_value == value]

newest = max(score.window_start for score in scores)
now = [score for score in scores if score.window_start == newest]
drifted = [score for score in now if score.state in (State.WATCH, State.ALARM)]
order = charts.worst_first(scores)
chance = 0.05 * len(now)
rows = f"n = {max(s.n_reference for s in now):,} in the reference, {max(s.n_current for s in now):,} in this window"
with opening:
    verdict(
        f"{len(drifted)} of {len(now)} features drifted (about {chance:.1g} expected by chance)"
        + (f"; worst: {order[0]}." if drifted else "."),
        worst([score.state for score in now]),
        f"Window {moment(newest)} – {moment(now[0].window_end)} · {rows}",
    )
shown = bounded(order, "features", "features")
st.altair_chart(charts.drift_heatmap(scores, shown), key="heatmap", on_select=take_clicked_cell)
click = "" if view.presenting else " Click a cell to see its distribution below."
st.caption(f"▲ alarm · ◆ watch · ● not enough rows · the deeper the colour, the further from quiet.{click}")
feature_detail(view, scores, order)
