"""Bring in a file from the page."""

from __future__ import annotations

import tempfile
from pathlib import Path

import streamlit as st

from app.actions import Form
from app.faults import boundary, plain
from app.session import View
from loop_core.clock import now
from loop_core.gates import BatchReport, arrival, ingest
from loop_core.signals import read_source
from loop_core.vocabulary import Signal


def bring_in(view: View) -> None:
    """A form: signal and file → through the gates, with progress and a report that accounts for every row."""
    form = Form(view)
    with (
        st.form(form.key("bring_in"), border=False, clear_on_submit=True),
        st.container(horizontal=True, vertical_alignment="bottom"),
    ):
        signal = st.selectbox(
            "Signal", list(Signal), key=form.key("bring_signal"), width=170, format_func=lambda s: s.value
        )
        file = st.file_uploader(
            "File",
            ["csv", "tsv", "parquet", "jsonl", "gz"],
            key=form.key("bring_file"),
            help="Larger than 200 MB: `loop ingest` streams files of any size.",
        )
        pressed = st.form_submit_button("Bring in", key=form.key("bring"), type="primary", icon=":material/input:")
    if pressed and file is None:
        st.info("Choose a file first.")
    if pressed and file is not None:
        with boundary():
            _say(_ingested(view, Signal(signal), file.name, file.getvalue()))


def _ingested(view: View, signal: Signal, name: str, content: bytes) -> BatchReport:
    bar = st.progress(0.0, f"Reading {plain(name)}")
    with tempfile.TemporaryDirectory(dir=view.loop.workspace.staging) as folder:
        path = Path(folder) / Path(name).name
        path.write_bytes(content)
        source = read_source(str(path))
        report = ingest(
            view.loop, signal, source, actor=view.actor, as_of=arrival(view.loop, signal, source, now()),
            progress=lambda share, said: bar.progress(min(1.0, share), plain(said)),
        )  # fmt: skip
    bar.empty()
    return report


def _say(report: BatchReport) -> None:
    notes = "".join(f"  \n{plain(note)}" for note in report.notes)
    rules = "".join(f"  \n▲ {plain(rule.rule)}: {rule.rows:,} rows" for rule in report.rules[:8])
    (st.error if report.state == "stopped" else st.success)(plain(report.sentence) + notes + rules)
