"""Parts of the first page: one line a loop, its findings, what waits for somebody."""

from __future__ import annotations

import streamlit as st

from app.faults import boundary, code, plain
from app.navigation import PAGES, go
from app.session import View
from app.widgets import WORST, chip, mark_of, moment, short, table, worst
from loop_core.clock import now
from loop_core.status import LoopStatus, loop_status
from loop_core.vocabulary import State

STAGES = ("signals", "quality", "drift", "performance", "feedback", "service")
_WIDTHS = [2.2, *[1.0] * len(STAGES), 1.4]
#: Verb of the command in a status sentence → the page that does the same.
_DONE_ON = {
    "approve": "release",
    "promote": "release",
    "rollback": "release",
    "compare": "compare",
    "bootstrap": "retrain",
    "run": "retrain",
    "triggers": "triggers",
}
_LOUDNESS = (State.ALARM, State.WATCH, State.PENDING, State.TOO_FEW, State.OK, State.NOT_APPLICABLE)


def loops_table(view: View, status: LoopStatus) -> None:
    """Every loop of the workspace in one line: the loudest state of each stage, and who serves."""
    for column, head in zip(st.columns(_WIDTHS), ("loop", *STAGES, "champion"), strict=True):
        column.caption(head)
    for name in view.loop.workspace.loops():
        with boundary():
            loop = view.loop.workspace.loop(name)
            here = name == view.loop.name
            _line(status if here else loop_status(loop, loop.present(now())))


def _line(status: LoopStatus) -> None:
    first, *cells, last = st.columns(_WIDTHS, vertical_alignment="center")
    first.markdown(f"**{plain(status.title)}**")
    since = dict(zip(status.findings, status.since, strict=True))
    for cell, stage in zip(cells, STAGES, strict=True):
        about = [finding for finding in status.findings if finding.stage == stage]
        state = worst([finding.state for finding in about])
        with cell, st.container(gap=None):
            said = "  \n".join(plain(finding.sentence) for finding in about[:6])
            chip(state, help=said or "No cycle ran yet.")
            began = [since[finding] for finding in about if finding.state is state]
            if began:
                # It has been loud since its first finding was, and quiet only since its last one is.
                when = min(began) if state in (State.ALARM, State.WATCH) else max(began)
                st.caption(f"since {moment(when)}")
    last.markdown(code(short(status.champion)))


def findings_table(status: LoopStatus) -> None:
    """What the newest cycle found, the loudest on top; the quiet ones only when asked for."""
    since = dict(zip(status.findings, status.since, strict=True))
    order = sorted(status.findings, key=lambda finding: _LOUDNESS.index(finding.state))
    loud = [finding for finding in order if finding.state is not State.OK]
    everything = not st.session_state.get("present") and st.toggle(
        f"All {len(order)} findings, also the quiet ones", key="all_findings", bind="query-params"
    )
    rows = [
        {"state": mark_of(f.state), "since": since[f], "stage": f.stage, "finding": f.sentence}
        for f in (order if everything else loud[:WORST])
    ]
    if not rows:
        st.markdown("● Every finding is quiet.")
        return
    narrow = {name: st.column_config.TextColumn(width=105) for name in ("state", "stage")}
    since_day = st.column_config.DatetimeColumn(format="D MMM YYYY", timezone="UTC", width=105)
    wide = st.column_config.TextColumn(width=900)
    table(rows, "findings", {**narrow, "since": since_day, "finding": wide}, alt="Findings")


def waits(status: LoopStatus) -> None:
    """What somebody has to do next; a button leads to the page that does it."""
    for i, sentence in enumerate(status.waiting):
        what, _, command = sentence.partition(": loop ")
        to = _DONE_ON.get(command.split(" ")[0])
        with st.container(border=True, key=f"waiting_{i}", horizontal=True, vertical_alignment="center"):
            st.markdown(f"→ **{plain(what)}**", width="stretch")
            if to and st.button(f"Go to {PAGES[to][0]}", key=f"go_{i}", icon=PAGES[to][1], help=f"or: loop {command}"):
                go(to)
