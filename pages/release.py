"""What is live, what waits for whom, and the way back."""

import streamlit as st

from app import session
from app.navigation import go
from app.proposals import proposal_card, tenures_table, way_back
from app.widgets import acting, empty, moment, short, verdict, why
from loop_core.models import registered
from loop_core.monitor import check_model
from loop_core.release import ProposalState, state
from loop_core.vocabulary import State

view = session.current()
releases = state(view.loop, view.as_of)
waiting = [p for p in releases.proposals if p.state in (ProposalState.OPEN, ProposalState.APPROVED)]
if releases.champion is None and not waiting:
    verdict("No model serves yet.", State.PENDING)
    known = registered(view.loop, view.as_of)
    if known:
        said = "A model is there: look at what it does by cohort, and propose it; somebody else approves."
        empty("Nothing is released", said, "Look at it", "compare")
    else:
        said = "Train a first model; then it is proposed, and somebody else approves."
        empty("Nothing is released", said, "Train a champion", "retrain")
    st.stop()
waits = "No proposal waits." if not waiting else f"{len(waiting)} proposal{'s wait' if waiting[1:] else ' waits'}."
serves = (
    f"{short(releases.champion)} serves everybody since {moment(releases.since)}."
    if releases.champion
    else "No model serves yet."
)
damaged = next((found.sentence for found in check_model(view.loop, view.as_of) if found.state is State.ALARM), None)
verdict(
    f"{damaged or serves} {waits}",
    State.ALARM if damaged else State.WATCH if waiting else State.OK,
    f"{len(releases.tenures)} release{'s' if releases.tenures[1:] else ''} on record · you act as {view.actor}",
)
may_act = acting(view)
if waiting:
    st.markdown("##### Proposals")
    for proposal in waiting:
        proposal_card(view, proposal, may_act)
elif may_act and st.button("Compare a challenger to propose it", key="to_compare", icon=":material/compare_arrows:"):
    go("compare")

if releases.champion:
    st.markdown("##### Who served when")
    tenures_table(releases.tenures)
if may_act and releases.champion:
    way_back(view, releases.tenures, releases.champion)
why(
    view,
    "The champion is a fold over the ledger: the last entry that promoted or rolled back.",
    "loop_core.release:state(loop, as_of)",
)
