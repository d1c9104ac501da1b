"""How well the model did, what is estimated meanwhile, and where; with drift above it on the same axis."""

import streamlit as st

from app import session
from app.explored import explore
from app.faults import show
from app.performance import choices, finding
from app.widgets import empty, verdict
from loop_core.vocabulary import State

view = session.current()
opening = st.container()
measured = choices(view)
if measured.problem is None and not measured.points and not measured.estimated:
    with opening:
        verdict("Nothing was scored yet.", State.PENDING)
    empty("No scored prediction", "Performance needs scores and their outcomes.", "To the signals", "signals")
    st.stop()
with opening:
    if measured.problem is None:
        finding(view, measured)
    else:
        show(measured.problem)
explore(view, measured)
