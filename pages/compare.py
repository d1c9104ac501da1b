"""Champion against challenger on the same mature rows: who gains, who loses, what holds the release."""

import streamlit as st

from app import session
from app.actions import act
from app.faults import plain
from app.jobs import enqueue_job, job_list
from app.scorecards import BLOCKS, gate_line, row
from app.widgets import acting, bounded, empty, mark_of, moment, short, table, verdict, why
from loop_core import charts
from loop_core.compare import latest_scorecard
from loop_core.models import registered
from loop_core.release import propose
from loop_core.vocabulary import State

view = session.current()
champion = view.loop.champion(view.as_of)
challengers = [m for m in reversed(registered(view.loop, view.as_of)) if m.version != champion]
if champion is None or not challengers:
    verdict("There is nothing to compare yet.", State.PENDING, f"Champion {short(champion)}")
    empty(
        "No challenger",
        "Train one: the comparison then runs on rows that neither model has seen.",
        "Train a challenger",
        "retrain",
    )
    st.stop()
opening = st.container()
with st.container(horizontal=True, key="side_choices"):
    labels = {m.version: f"{short(m.version)} · trained {moment(m.registered_at)}" for m in challengers}
    challenger = st.selectbox(
        "Challenger",
        list(labels),
        key="challenger",
        bind="query-params",
        format_func=lambda v: labels.get(v, v),
        width=300,
        label_visibility="collapsed",
    )
    if acting(view) and st.button("Compare now", key="compare", icon=":material/compare_arrows:"):
        enqueue_job(view, "compare", {"challenger": challenger})
    card = latest_scorecard(view.loop, challenger)
    metrics = list(dict.fromkeys(c.metric for c in card.cells)) if card else ["log_loss"]
    metric = st.segmented_control(
        "Metric",
        metrics,
        default=metrics[0],
        key="metric",
        bind="query-params",
        required=True,
        format_func=lambda m: m.replace("_", " "),
        label_visibility="collapsed",
    )
if card is None:
    with opening:
        verdict("This challenger was not compared yet.", State.PENDING, f"Champion {short(champion)}")
    empty(
        "Not compared yet",
        f"{short(challenger)} and the champion {short(champion)} score the same mature rows; it takes some seconds.",
        key="nocard",
    )
    job_list(view, kinds=("compare",))
    st.stop()

note = f"{moment(card.window_start)} – {moment(card.window_end)} · n = {card.n:,} · champion {short(card.champion)} · challenger {short(card.challenger)} · scorecard {card.id}"
with opening:
    verdict(f"{card.badge} · {card.sentence}", None, note)
if card.champion != champion:
    st.warning(
        f"This comparison is with {short(card.champion)}, which no longer serves. Compare again.",
        icon=":material/history:",
    )
cells = charts.by_harm([c for c in card.cells if c.metric == metric])
shown = bounded(cells, "cells", "groups")
drawn, gates = st.columns([3, 2], gap="large")
with drawn:
    st.markdown("##### Difference by group, the most harmed on top")
    st.altair_chart(charts.forest(shown), key="forest")
with gates:
    st.markdown("##### Gates of the release")
    for gate in card.gates:
        gate_line(gate)
    if not card.gates:
        st.caption("The charter declares no gate.")
    blocked = any(gate.state == "blocked" for gate in card.gates)
    if acting(view) and not blocked and card.champion == champion:
        reason = st.text_input("Why release it?", key="propose_reason", value=card.sentence)
        act("Propose its release", "propose", propose, view, challenger, scorecard=card.id, reason=reason)
why(
    view, "Both models score the same mature rows that neither has seen. Up is good for the challenger. *Better*: the interval lies above zero; *not worse*: above minus the "
    "margin; *worse*: below zero; *undecided*: more rows are needed.",
    f"loop_core.compare:compare(loop, {challenger!r}, as_of=as_of, record=False)",
)  # fmt: skip

for block, title in BLOCKS.items():
    rows = [row(c) for c in card.cells if c.block == block and c.cohort is None]
    if rows:
        st.markdown(f"##### {title}")
        table(rows, f"block_{block}", alt=title)
st.markdown(f"##### All groups, {plain(metric.replace('_', ' '))}")
table([row(c) for c in shown], "groups", alt="Cells of the comparison")
st.caption(
    f"{sum(c.verdict == 'worse' for c in cells)} {mark_of('worse')} · {sum(c.verdict == 'inconclusive' for c in cells)} {mark_of('inconclusive')} of {len(cells)} groups"
)
