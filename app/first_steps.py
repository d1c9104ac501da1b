"""A workspace without a loop: what to do first."""

from __future__ import annotations

import streamlit as st

from app import session
from app.faults import boundary, plain
from loop_core.workspace import Workspace

#: Simulated predictions of the demo, about.
ROWS = 150_000


def no_loop_yet(ws: Workspace) -> None:
    """Say what a loop is, and offer one to look at."""
    st.title("No loop yet")
    st.markdown(
        "A loop is one model in production and everything around it: its signals, drift, retrains and releases."
    )
    demo, own = st.columns(2, gap="large")
    with demo.container(border=True):
        st.markdown("#### See one at work")
        st.markdown(
            "Eighteen months of simulated deliveries with known trouble in them: about 150,000 predictions, outcomes and comments."
        )
        if st.button("Add the simulated loop", key="add_demo", type="primary"):
            with boundary():
                _add_demo(ws)
    with own.container(border=True):
        st.markdown("#### Bring your own model")
        st.markdown("A recipe turns files into a loop; a first charter can be drafted from a data file.")
        st.code(
            f"loop import olist FOLDER --workspace {ws.path}\nloop init --from predictions.parquet --workspace {ws.path}",
            language="bash",
            wrap_lines=True,
        )


def _add_demo(ws: Workspace) -> None:
    from loop_core.demo import build_demo

    bar = st.progress(0.0, "Simulating …")
    actor = session.identities()[0]
    build_demo(
        ws.path, rows=ROWS, seed=0, actor=actor, progress=lambda share, said: bar.progress(min(share, 1.0), plain(said))
    )
    st.rerun()
