"""What users say: rating over time, by cohort, and the comments beside their predictions."""

import streamlit as st

from app import session
from app.faults import boundary
from app.inbox import inbox
from app.ratings import ratings
from app.widgets import empty, verdict
from loop_core.feedback import feedback_trend
from loop_core.vocabulary import State

view = session.current()
trend = None
with boundary():
    trend = session.compute(view, feedback_trend)
if trend is not None and not trend:
    verdict("Nobody said anything yet.", State.PENDING)
    empty("No feedback yet", "Ratings and comments come in as a file or a query.", "To the signals", "signals")
    st.stop()
if trend:
    with boundary():
        ratings(view, trend)

if not view.presenting:
    st.markdown("##### What they wrote")
    with boundary():
        inbox(view)
