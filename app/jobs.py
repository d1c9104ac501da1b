"""Jobs on a page: queue one, watch them live, stop one."""

from __future__ import annotations

from typing import Any

import streamlit as st

from app.actions import Form, outcome
from app.faults import boundary, plain
from app.session import View
from app.widgets import empty, moment
from loop_core.clock import now
from loop_core.jobs import JobView, list_jobs, retry, stop
from loop_core.vocabulary import MARKS, State
from loop_core.workspace import Loop

_WORDS = {"queued": "○ waits", "running": "◆ runs", "done": "● done", "failed": "▲ failed", "stopped": "– stopped"}
_ALIVE = ("queued", "running")
_AGAIN = ("failed", "stopped")
SHOWN = 8


@st.fragment(run_every=1.5)
def job_list(view: View, kinds: tuple[str, ...] = ()) -> None:
    """The newest jobs of a loop, refreshed while the page is open; the whole page is rerun when one ends.

    Of certain kinds only: nothing is said where there is none.
    """
    with boundary():
        # A press in here reruns this fragment alone.
        outcome()
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
            job_line(job, None if view.presenting else Form(view, _run(job)))
        alive = {job.id for job in jobs if job.status in _ALIVE}
        ended = st.session_state.get("alive_jobs", set()) - alive
        st.session_state["alive_jobs"] = alive
        if ended:
            st.rerun()


def job_line(job: JobView, form: Form | None) -> None:
    """One job: how far it is, or what came of it. `form` stops it or tries it again; None: somebody only looks."""
    with st.container(horizontal=True, vertical_alignment="center", key=f"job_{job.id}", border=job.status in _ALIVE):
        st.markdown(
            f"**{plain(job.kind)}** {MARKS[State.WATCH] if job.doubtful else _WORDS.get(job.status, job.status)}",
            width=160,
        )
        if job.status in _ALIVE:
            st.progress(min(1.0, job.progress or 0.0), text=plain(job.message + _left(job)), width="stretch")
            if form is not None:
                what = f"Stop {job.kind}"
                form.act(what, f"stop_{job.id}", _stop, job, type="secondary", icon=":material/stop_circle:")
        else:
            st.markdown(plain(job.error or job.message), width="stretch")
            if form is not None and job.status in _AGAIN:
                what = f"Try {job.kind} again"
                form.act(what, f"again_{job.id}", _retry, job, type="secondary", icon=":material/replay:")
            st.caption(f"{plain(job.actor)} · {moment(job.created_at, clock=True)}", width="content")


def _run(job: JobView) -> tuple[object, ...]:
    """What tells one run of a job from the next; its progress does not."""
    return job.loop, job.id, job.status, job.started_at, job.finished_at


def _stop(loop: Loop, job: JobView, *, actor: str, **_: Any) -> str:
    return stop(loop.workspace, job.id, actor=actor, seen=job).message + "."


def _retry(loop: Loop, job: JobView, *, actor: str, **_: Any) -> str:
    return retry(loop.workspace, job.id, actor=actor, seen=job).message + "."


def _left(job: JobView) -> str:
    """How long it will still take, from how long it took so far."""
    if job.started_at is None or job.progress <= 0.05:
        return ""
    seconds = (now() - job.started_at).total_seconds() * (1 - job.progress) / job.progress
    return f" · about {seconds:.0f} s left" if seconds < 90 else f" · about {seconds / 60:.0f} min left"
