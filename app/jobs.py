"""Jobs on a page: queue one, watch them live, stop one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from app.faults import boundary, plain
from app.session import View
from app.widgets import empty, moment
from loop_core.clock import now
from loop_core.jobs import JobView, enqueue, list_jobs, retry, stop
from loop_core.vocabulary import MARKS, State
from loop_core.workspace import Workspace

_WORDS = {"queued": "○ waits", "running": "◆ runs", "done": "● done", "failed": "▲ failed", "stopped": "– stopped"}
_ALIVE = ("queued", "running")
_AGAIN = ("failed", "stopped")
SHOWN = 8


def enqueue_job(view: View, kind: str, parameters: Mapping[str, Any]) -> None:
    """Queue a job of this loop as of its present, and say so."""
    with boundary():
        job = enqueue(
            view.loop.workspace, view.loop.name, kind, {**parameters, "as_of": view.present.isoformat()}, view.actor
        )
        st.toast(f"Job {job} is queued; it goes on when this page is closed.", icon=":material/schedule:")


@st.fragment(run_every=1.5)
def job_list(view: View, kinds: tuple[str, ...] = ()) -> None:
    """The newest jobs of a loop, refreshed while the page is open; the whole page is rerun when one ends.

    Of certain kinds only: nothing is said where there is none.
    """
    with boundary():
        jobs = [job for job in list_jobs(view.loop.workspace, loop=view.loop.name) if not kinds or job.kind in kinds][
            :SHOWN
        ]
        if not jobs and not kinds:
            empty(
                "No job yet",
                "What you start here runs in the worker beside the app, also when this tab is closed.",
                key="nojobs",
            )
        for job in jobs:
            job_line(view.loop.workspace, job, None if view.presenting else view.actor)
        alive = {job.id for job in jobs if job.status in _ALIVE}
        ended = st.session_state.get("alive_jobs", set()) - alive
        st.session_state["alive_jobs"] = alive
        if ended:
            st.rerun()


def job_line(ws: Workspace, job: JobView, actor: str | None) -> None:
    """One job: how far it is, or what came of it. `actor` may stop it or try it again; None: only looks."""
    with st.container(horizontal=True, vertical_alignment="center", key=f"job_{job.id}", border=job.status in _ALIVE):
        st.markdown(
            f"**{plain(job.kind)}** {MARKS[State.WATCH] if job.doubtful else _WORDS.get(job.status, job.status)}",
            width=160,
        )
        if job.status in _ALIVE:
            st.progress(min(1.0, job.progress or 0.0), text=plain(job.message + _left(job)), width="stretch")
            if actor and st.button("Stop", key=f"stop_{job.id}", icon=":material/stop_circle:"):
                stop(ws, job.id, actor=actor)
                st.rerun(scope="fragment")
        else:
            st.markdown(plain(job.error or job.message), width="stretch")
            if (
                actor
                and job.status in _AGAIN
                and st.button("Try again", key=f"again_{job.id}", icon=":material/replay:")
            ):
                retry(ws, job.id, actor=actor)
                st.rerun(scope="fragment")
            st.caption(f"{job.actor} · {moment(job.created_at, clock=True)}", width="content")


def _left(job: JobView) -> str:
    """How long it will still take, from how long it took so far."""
    if job.started_at is None or job.progress <= 0.05:
        return ""
    seconds = (now() - job.started_at).total_seconds() * (1 - job.progress) / job.progress
    return f" · about {seconds:.0f} s left" if seconds < 90 else f" · about {seconds / 60:.0f} min left"
