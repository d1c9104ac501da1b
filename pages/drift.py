"""Which inputs moved, when, whether it matters, and how the moved ones look now."""

import streamlit as st

from app import session
from app.drift import choices, finding, importance_of
from app.feature import Drifted, explore
from app.widgets import empty, verdict
from loop_core import charts
from loop_core.vocabulary import State

view = session.current()
opening = st.container()
asked, scores = choices(view)
if not scores:
    with opening:
        verdict("There is nothing to compare yet.", State.PENDING)
    empty("No window yet", "Drift needs a reference period and one window after it.", "To the signals", "signals")
    st.stop()
importance = importance_of(view)
order = charts.worst_first(scores, importance)
with opening:
    finding(view, asked, scores, order)
explore(view, Drifted(asked, scores, order, importance))
