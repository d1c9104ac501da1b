"""A workspace without a loop, or with one being built: what to do first."""

from __future__ import annotations

import shlex

import streamlit as st

from app import session
from app.faults import boundary, plain
from app.jobs import job_line
from loop_core.jobs import FOUNDING, JobView, enqueue, list_jobs, stop
from loop_core.workspace import Workspace

#: Simulated predictions of the demo, about.
ROWS = 150_000


def founding_job(ws: Workspace) -> JobView | None:
    """The job that builds the simulated loop, while it waits or runs."""
    newest = _newest(ws)
    return newest if newest and newest.open else None


def first_steps(ws: Workspace, founding: JobView | None) -> None:
    """Say what a loop is, and offer one to look at; or show how far it is."""
    st.title("Your first loop is on its way" if founding else "No loop yet")
    st.markdown(
        "A loop is one model in production and everything around it: its signals, drift, retrains and releases."
    )
    demo, own = st.columns(2, gap="large")
    with demo.container(border=True):
        st.markdown("#### See one at work")
        st.markdown(
            f"Eighteen months of simulated deliveries with known trouble in them: about {ROWS:,} predictions, "
            "their outcomes, and what customers wrote. Building it takes about a minute."
        )
        if founding:
            _progress(ws)
        else:
            _offer(ws)
    with own.container(border=True):
        st.markdown("#### Bring your own model")
        where = shlex.quote(str(ws.path))
        st.markdown("A recipe turns files into a loop; a first charter can be drafted from a data file.")
        st.code(
            f"loop import olist FOLDER --workspace {where}\nloop init {where} --from predictions.parquet",
            language="bash",
            wrap_lines=True,
        )


def _offer(ws: Workspace) -> None:
    last = _newest(ws)
    if last and last.error:
        st.error(plain(last.error), icon=":material/error:")
    elif last:
        st.caption(f"{plain(last.message)}. Starting again goes on where it was.")
    if st.button("Add the simulated loop", key="add_demo", type="primary"):
        with boundary():
            enqueue(ws, FOUNDING["demo"], "demo", {"rows": ROWS, "seed": 0}, session.identities()[0])
        st.rerun()


@st.fragment(run_every=1.0)
def _progress(ws: Workspace) -> None:
    job = founding_job(ws)
    if job is None:
        st.rerun()
    job_line(job, None)
    st.button("Stop", key=f"stop_{job.id}", icon=":material/stop_circle:", on_click=_stop, args=(ws, job))
    st.caption("It goes on when this page is closed.")


def _stop(ws: Workspace, job: JobView) -> None:
    with boundary():
        stop(ws, job.id, actor=session.identities()[0], seen=job)


def _newest(ws: Workspace) -> JobView | None:
    return next((job for job in list_jobs(ws, loop=FOUNDING["demo"]) if job.kind == "demo"), None)
