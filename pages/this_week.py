"""Every loop in one line; what the last cycle found; which decisions wait; what happened when."""

from datetime import timedelta

import streamlit as st

from app import session
from app.happened import events
from app.widgets import bounded, chip, empty, mark_of, moment, next_step, plain, short, table, verdict, why, worst
from loop_core import charts
from loop_core.clock import now
from loop_core.status import loop_status
from loop_core.vocabulary import State

STAGES = ("signals", "quality", "drift", "performance", "feedback", "service")

view = session.current()
ws = view.loop.workspace
status = session.compute(view, loop_status)
loud = [f for f in status.findings if f.state in (State.WATCH, State.ALARM)]
if status.findings:
    states = [finding.state for finding in status.findings]
    opening = (
        loud[0].sentence
        if len(loud) == 1
        else f"{len(loud)} of {len(states)} findings ask for attention"
        if loud
        else "Nothing asks for attention"
    )
    verdict(
        opening.rstrip(".") + ".",
        worst(states),
        f"Champion {short(status.champion)} since {moment(status.champion_since)} · as known on {moment(view.as_of, clock=True)}",
    )
elif status.champion is None:
    verdict("No model serves yet.", State.PENDING)
    empty(
        "No champion",
        "A first model can be trained on the oldest span, or an external one named.",
        "Train a champion",
        "retrain",
    )
else:
    verdict("No cycle ran yet: nothing is known about this loop's health.", State.PENDING)
    empty(
        "No cycle",
        "A cycle reads the signals, looks for drift and decides whether to retrain.",
        "Run a cycle",
        "retrain",
    )

heads = st.columns([2.2, *[1] * len(STAGES), 1.5], vertical_alignment="center")
for column, head in zip(heads, ("loop", *STAGES, "champion"), strict=True):
    column.caption(head)
for name in ws.loops():
    loop = ws.loop(name)
    one = status if name == view.loop.name else loop_status(loop, loop.present(now()))
    cells = st.columns([2.2, *[1] * len(STAGES), 1.5], vertical_alignment="center")
    cells[0].markdown(f"**{plain(one.title)}**")
    for cell, stage in zip(cells[1:], STAGES, strict=False):
        about = [f for f in one.findings if f.stage == stage]
        with cell:
            chip(
                worst([f.state for f in about]),
                help="  \n".join(plain(f.sentence) for f in about[:6]) or "No cycle ran yet.",
            )
    cells[-1].markdown(f"`{short(one.champion)}`")

left, right = st.columns([3, 2], gap="large")
with left:
    st.markdown("##### What the last cycle found")
    order = sorted(
        status.findings, key=lambda f: (f.state != State.ALARM, f.state != State.WATCH, f.state != State.PENDING)
    )
    rows = [
        {"state": mark_of(f.state), "stage": f.stage, "finding": f.sentence, "n": f.n}
        for f in bounded(order, "findings", "findings")
    ]
    if rows:
        table(
            rows,
            "findings",
            {
                "finding": st.column_config.TextColumn(width="large"),
                "state": st.column_config.TextColumn(width=130),
                "stage": st.column_config.TextColumn(width=90),
            },
            alt="Findings",
        )
    why(
        view,
        "Each finding compares one measured value with its threshold, in the newest window that is complete.",
        "loop_core.monitor:monitor(loop, as_of)",
    )
with right:
    st.markdown("##### Waits for a decision")
    if not status.waiting:
        st.markdown("● Nothing waits.")
    for i, waiting in enumerate(status.waiting):
        next_step(waiting, f"waiting_{i}")

happened = session.compute(view, events, days=180)
if happened:
    st.markdown("##### The last six months")
    st.altair_chart(charts.timeline(happened, (view.as_of - timedelta(days=180), view.as_of)), key="timeline")
