"""Every loop in one line; what the last cycle found; which decisions wait; what happened when."""

from datetime import timedelta

import streamlit as st

from app import session
from app.alerts import alerts_section
from app.drawn import draw
from app.faults import boundary
from app.happened import events
from app.loops import findings_table, loops_table, waits
from app.widgets import empty, moment, short, verdict, why, worst
from loop_core import charts
from loop_core.status import loop_status
from loop_core.vocabulary import State

DAYS = 180
HOW = "Each finding compares one measured value with its threshold, in the newest window that is complete."

view = session.current()
status = session.compute(view, loop_status)
loud = [finding for finding in status.findings if finding.state in (State.WATCH, State.ALARM)]
if status.findings:
    many = f"{len(loud)} of {len(status.findings)} findings ask for attention."
    opening = loud[0].sentence if len(loud) == 1 else many if loud else "Nothing asks for attention."
    serving = f"Champion {short(status.champion)} since {moment(status.champion_since)}"
    state = worst([finding.state for finding in status.findings])
    verdict(opening, state, f"{serving} · as known on {moment(view.as_of, clock=True)}")
elif status.champion is None:
    verdict("No model serves yet.", State.PENDING)
    empty("No champion", "A first model is trained on the oldest span.", "Train a champion", "retrain")
else:
    verdict("No cycle ran yet: nothing is known about this loop's health.", State.PENDING)
    empty("No cycle", "A cycle reads the signals, looks for drift and decides on a retrain.", "Run a cycle", "retrain")

loops_table(view, status)
if status.waiting:
    st.markdown("##### Waits for a decision")
    waits(status)
if status.findings:
    with boundary():
        alerts_section(view)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown("##### What the last cycle found", width="content")
        why(view, HOW, "loop_core.status:loop_status(loop, as_of).findings")
    findings_table(status)

happened = session.compute(view, events, days=DAYS)
if happened:
    st.markdown("##### The last six months")
    span = (view.as_of - timedelta(days=DAYS), view.as_of)
    draw(charts.timeline(happened, span), key="timeline")
