"""The script Streamlit runs for every page: navigation, frame, page."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from app import session, style
from app.actions import outcome
from app.faults import boundary
from app.first_steps import first_steps, founding_job
from app.frame import frame
from app.navigation import pages
from app.waiting import skeleton

# A file, because Streamlit fetches icons by name from the internet.
HERE = Path(__file__).parent
st.set_page_config(page_title="Loopbench", page_icon=str(HERE / "icon.svg"), layout="wide")
st.logo(HERE / "logo.svg")
# The toggle leads once it is there; the URL follows it only after this run.
presenting = st.session_state.get("present", str(st.query_params.get("present", "")).lower() == "true")
style.apply(presenting)
here = st.navigation(pages(), position="hidden" if presenting else "top")
with boundary():
    ws = session.workspace()
    founding = founding_job(ws)
    if (founding or not ws.loops()) and here.title != "About":
        outcome()
        first_steps(ws, founding)
    else:
        if ws.loops():
            frame(ws, here)
        outcome()
        # What a page reads for the first time takes seconds; its frame stands before that.
        with skeleton():
            here.run()
