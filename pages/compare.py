"""Champion against challenger on the same mature rows: who gains, who loses, what holds the release."""

import streamlit as st

from app import session
from app.jobs import enqueue_job, job_list
from app.scorecards import BLOCKS, cells_table, gates_list, propose_form, rests_on
from app.widgets import bounded, empty, moment, short, verdict, why
from loop_core import charts
from loop_core.compare import latest_scorecard
from loop_core.models import registered
from loop_core.vocabulary import State

HOW = """Both models score the same mature rows, which neither has seen. Up is good for the challenger.
*Better*: the interval lies above zero; *not worse*: above minus the margin; *worse*: below zero;
*undecided*: more rows are needed."""

view = session.current()
champion = view.loop.champion(view.as_of)
challengers = [m for m in reversed(registered(view.loop, view.as_of)) if m.version != champion]
if champion is None or not challengers:
    verdict("There is nothing to compare yet.", State.PENDING)
    empty("No challenger", "Train one; it is compared on rows that neither model saw.", "Train a challenger", "retrain")
    st.stop()
opening = st.container()
with st.container(horizontal=True, key="side_choices", vertical_alignment="center"):
    names = {m.version: f"{short(m.version)} · trained {moment(m.registered_at)}" for m in challengers}
    challenger = st.selectbox(
        "Challenger", names, key="challenger", bind="query-params", format_func=names.get, width=320, label_visibility="collapsed"
    )  # fmt: skip
    card = latest_scorecard(view.loop, challenger)
    metrics = list(dict.fromkeys(cell.metric for cell in card.cells)) if card else []
    metric = metrics and st.selectbox(
        "Metric", metrics, key="metric", bind="query-params", format_func=lambda m: m.replace("_", " "), width=150, label_visibility="collapsed"
    )  # fmt: skip
    if view.is_present and st.button("Compare now", key="compare", icon=":material/compare_arrows:"):
        enqueue_job(view, "compare", {"challenger": challenger})
    why(view, HOW, f"loop_core.compare:compare(loop, {challenger!r}, as_of=as_of, record=False)")
if card is None:
    with opening:
        verdict("This challenger was not compared yet.", State.PENDING, f"Champion {short(champion)}")
    empty("No comparison", "“Compare now” scores the same mature rows with both models; it takes some seconds.")
    job_list(view, kinds=("compare",))
    st.stop()

with opening:
    verdict(f"{card.badge} · {card.sentence}", None, rests_on(card))
cells = charts.by_harm([cell for cell in card.cells if cell.metric == metric])
shown = bounded(cells, "cells", "groups")
drawn, gates = st.columns([3, 2], gap="large")
with drawn:
    st.markdown("##### Difference by group, the most harmed on top")
    st.altair_chart(charts.forest(shown), key="forest")
with gates:
    st.markdown("##### Gates of the release")
    gates_list(card.gates)
    propose_form(view, card, champion)
for block, title in BLOCKS.items():
    overall = [cell for cell in card.cells if cell.block == block and cell.cohort is None]
    if overall:
        st.markdown(f"##### {title}")
        cells_table(overall, f"block_{block}")
st.markdown(f"##### All groups, {str(metric).replace('_', ' ')}")
cells_table(shown, "groups")
job_list(view, kinds=("compare",))
