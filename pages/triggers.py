"""What would start a retrain now and why not, what was decided before, and what another policy would have done."""

import streamlit as st

from app import session
from app.policies import replay_form, replays
from app.triggers import at_once, decisions, opening, readings
from app.widgets import empty, why
from loop_core.triggers import decide_now

view = session.current()
decision = session.compute(view, decide_now)
opening(view, decision)
if decision.remedy:
    at_once(decision.remedy)
if not decision.evaluated:
    empty("No trigger", "Add `[[triggers]]` to the charter; below you can try one on the past first.", key="notriggers")
readings(decision)
why(
    view,
    "Each trigger of the charter, asked about the newest findings on record.",
    "loop_core.triggers:decide_now(loop, as_of)",
)

st.markdown("##### Decisions")
decisions(view)

st.markdown("##### What would another policy have done?")
if not view.presenting:
    replay_form(view)
replays(view)
