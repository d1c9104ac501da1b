"""How well the model did, what is estimated meanwhile, and where; with drift above it on the same axis."""

import streamlit as st

from app import session
from app.explored import explore
from app.performance import choices, finding
from app.widgets import empty, verdict
from loop_core.vocabulary import State

view = session.current()
opening = st.container()
measured = choices(view)
if not measured.points and not measured.estimated:
    with opening:
        verdict("Nothing was scored yet.", State.PENDING)
    empty("No scored prediction", "Performance needs scores and their outcomes.", "To the signals", "signals")
    st.stop()
with opening:
    finding(view, measured)
explore(view, measured)
