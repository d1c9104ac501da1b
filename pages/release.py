"""What is live, what waits for whom, and the way back."""

import streamlit as st

from app import session
from app.navigation import go
from app.proposals import proposal_card, tenures_table, way_back
from app.widgets import acting, empty, moment, short, verdict, why
from loop_core.release import ProposalState, state
from loop_core.vocabulary import State

view = session.current()
releases = state(view.loop, view.as_of)
if releases.champion is None:
    verdict("No model serves yet.", State.PENDING)
    empty(
        "Nothing is released",
        "Train a first champion; every later release goes through a proposal.",
        "Train a champion",
        "retrain",
    )
    st.stop()
waiting = [p for p in releases.proposals if p.state in (ProposalState.OPEN, ProposalState.APPROVED)]
waits = "No proposal waits." if not waiting else f"{len(waiting)} proposal{'s wait' if waiting[1:] else ' waits'}."
verdict(
    f"{short(releases.champion)} serves everybody since {moment(releases.since)}. {waits}",
    State.WATCH if waiting else State.OK,
    f"{len(releases.tenures)} release{'s' if releases.tenures[1:] else ''} on record · you act as {view.actor}",
)
may_act = acting(view)
if waiting:
    st.markdown("##### Proposals")
    for proposal in waiting:
        proposal_card(view, proposal, may_act)
elif may_act and st.button("Compare a challenger to propose it", key="to_compare", icon=":material/compare_arrows:"):
    go("compare")

st.markdown("##### Who served when")
tenures_table(releases.tenures)
if may_act:
    way_back(view, releases.tenures, releases.champion)
why(
    view,
    "The champion is a fold over the ledger: the last entry that promoted or rolled back.",
    "loop_core.release:state(loop, as_of)",
)
