"""Champion against challenger on the same mature rows: who gains, who loses, what holds the release."""

import streamlit as st

from app import session
from app.drawn import draw
from app.jobs import enqueue_job, job_list
from app.scorecards import BLOCKS, cells_table, gates_list, newest_card, panels, propose_form, rests_on
from app.selftest import selftest_panel
from app.widgets import bounded, empty, labelled, short, spaced, verdict, why
from loop_core import charts
from loop_core.models import registered
from loop_core.vocabulary import State

HOW = """Both models score the same mature rows, which neither has seen. Up is good for the challenger.
*Better*: the interval lies above zero; *not worse*: above minus the margin; *worse*: below zero;
*undecided*: more rows are needed."""

#: What else the comparison says, a tab each: title → `panel(view, card)`. A tab is made when somebody opens it.
DETAILS = {
    "How good are these gates?": lambda view, card: selftest_panel(view, card.challenger),
}

view = session.current()
champion = view.loop.champion(view.as_of)
challengers = [m for m in reversed(registered(view.loop, view.as_of)) if m.version != champion]
if champion is None or not challengers:
    verdict("There is nothing to compare yet.", State.PENDING)
    empty("No challenger", "Train one; it is compared on rows that neither model saw.", "Train a challenger", "retrain")
    st.stop()
opening = st.container()
with st.container(horizontal=True, key="side_choices", vertical_alignment="center"):
    versions = [model.version for model in challengers]
    challenger = labelled("challenger", "Challenger", versions, key="challenger", width=170, format_func=short)
    card = newest_card(view, challenger)
    metrics = list(dict.fromkeys(cell.metric for cell in card.cells)) if card else []
    metric = metrics and labelled("metric", "Metric", metrics, key="metric", width=130, format_func=spaced)
    if (
        view.is_present
        and not view.presenting
        and st.button("Compare now", key="compare", icon=":material/compare_arrows:")
    ):
        enqueue_job(view, "compare", {"challenger": challenger})
    why(view, HOW, f"loop_core.compare:compare(loop, {challenger!r}, as_of=as_of, record=False)")
if card is None:
    with opening:
        verdict("This challenger was not compared yet.", State.PENDING, f"Champion {short(champion)}")
    empty("No comparison", "“Compare now” scores the same mature rows with both models; it takes some seconds.")
    job_list(view, kinds=("compare", "selftest"))
    st.stop()

with opening:
    verdict(f"{card.badge} · {card.sentence}", None, rests_on(card))
cells = charts.by_harm([cell for cell in card.cells if cell.metric == metric])
shown = bounded(cells, "cells", "groups")
drawn, gates = st.columns([3, 2], gap="large")
with drawn:
    st.markdown("##### Difference by group, the most harmed on top")
    draw(charts.forest(shown), key="forest")
with gates:
    st.markdown("##### Gates of the release")
    gates_list(card.gates)
    propose_form(view, card, champion)
for block, title in BLOCKS.items():
    overall = [cell for cell in card.cells if cell.block == block and cell.cohort is None]
    if overall:
        st.markdown(f"##### {title}")
        cells_table(overall, f"block_{block}")
st.markdown(f"##### All groups, {spaced(metric)}")
cells_table(shown, "groups")
panels(view, card, DETAILS)
job_list(view, kinds=("compare", "selftest"))
