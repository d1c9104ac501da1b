"""Evidently's report of the window on screen: made by a job, then shown here and downloadable."""

from __future__ import annotations

from datetime import datetime

import streamlit as st

from app.actions import Form
from app.faults import boundary, plain
from app.jobs import job_list
from app.session import View
from app.widgets import moment
from loop_core.jobs import list_jobs
from loop_core.monitor.report import Report, latest_report

#: Pixels of the embedded page, which scrolls by itself.
HEIGHT = 900


def evidently_panel(
    view: View,
    window_start: datetime,
    window_end: datetime,
    cohort: str | None = None,
    cohort_value: str | None = None,
) -> None:
    """Offer the report of a window and cohort; show the one there is, and what it was sampled from."""
    window = {"window_start": window_start, "window_end": window_end, "cohort": cohort, "cohort_value": cohort_value}
    with boundary(), st.container(key="evidently"):
        of = f" · {cohort} = {cohort_value}" if cohort else ""
        st.markdown(f"##### Evidently's report · {moment(window_start)} – {moment(window_end)}{plain(of)}")
        report = latest_report(view.loop, view.as_of, **window)
        if not view.presenting:
            _start(view, window, known=report is not None)
        if report is not None:
            _show(report)


def _start(view: View, window: dict[str, object], *, known: bool) -> None:
    label = "Make it again with what is known now" if known else "Make the report"
    Form(view, view.as_of, sorted(window.items(), key=str)).start(
        label, "evidently_start", "evidently", {**window, "as_of": view.as_of}, icon=":material/lab_profile:",
        type="tertiary" if known else "secondary",
    )  # fmt: skip
    if any(job.open for job in list_jobs(view.loop.workspace, loop=view.loop.name) if job.kind == "evidently"):
        job_list(view, ("evidently",))
    elif not known:
        st.caption(
            "Data drift, data summary and quality, as Evidently draws them. It takes about 20 s, in the background."
        )


def _show(report: Report) -> None:
    st.caption(plain(f"{report.sampled} Known at {moment(report.request.as_of, clock=True)}."))
    for note in report.notes:
        st.caption(f"○ {plain(note)}.")
    with st.container(horizontal=True):
        for kind, path, mime in (
            ("HTML", report.path_html, "text/html"),
            ("JSON", report.path_json, "application/json"),
        ):
            name = f"{report.request.loop}-{report.request.window_start:%Y-%m-%d}-evidently.{kind.lower()}"
            st.download_button(
                kind, path.read_bytes, name, mime, key=f"evidently_{kind.lower()}", icon=":material/download:",
                on_click="ignore",
            )  # fmt: skip
        shown = st.toggle("Show it here", key="evidently_shown")
    if shown:
        st.iframe(report.path_html, height=HEIGHT, alt="Evidently's report; its results are in the JSON above")
