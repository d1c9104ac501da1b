"""Champion against challenger on the same rows: who gains, who loses, what holds the release."""

import streamlit as st

from app import session
from app.compared import KINDS, choices, not_compared
from app.differing import differs_panel
from app.fairness import fairness_panel
from app.flipped import flips_panel
from app.gains import who_gains
from app.jobs import job_list
from app.overrides import override_form, set_aside
from app.rivals import rivals_panel
from app.scorecards import blocks, cells_panel, changed_since, finding, gates_list, panels, propose_form
from app.selftest import selftest_line, selftest_panel
from app.slices import slices_panel
from app.soundness import soundness_panel
from app.tradeoff import tradeoff_panel
from app.widgets import empty, verdict
from loop_core.release import challengers as challengers_of
from loop_core.vocabulary import State

#: What else the comparison says, a tab each: title → `panel(view, card)`. A tab is made when somebody opens it.
DETAILS = {
    "Slices": slices_panel,
    "Fairness": fairness_panel,
    "Mutations and contract": soundness_panel,
    "Flips by group": flips_panel,
    "What differs": differs_panel,
    "All groups": cells_panel,
    "Trade-off": tradeoff_panel,
    "Several at once": rivals_panel,
    "How good are these gates?": lambda view, card: selftest_panel(view, card.challenger),
}

view = session.current()
champion = view.loop.champion(view.as_of)
challengers = challengers_of(view.loop, view.as_of)
if not challengers:
    verdict("There is nothing to compare yet.", State.PENDING)
    empty("No challenger", "Train one; it is compared on rows that neither model saw.", "Train a challenger", "retrain")
    st.stop()
opening = st.container()
chosen = choices(view, challengers)
card = chosen.card
if card is None:
    with opening:
        not_compared(view, chosen)
    st.stop()

with opening:
    since = finding(card, champion)
who_gains(view, chosen)
left, right = st.columns(2, gap="large")
with left:
    st.markdown("##### Gates of the release")
    gates_list(card.gates, set_aside(view, card), view.presenting)
    override_form(view, card)
    propose_form(view, card, champion)
with right:
    blocks(card)
    selftest_line(view)
panels(view, card, DETAILS)
job_list(view, kinds=KINDS)
changed_since(view, card, since)
