"""Launch a retrain, watch it, stop it; and run a cycle."""

import streamlit as st

from app import session
from app.jobs import enqueue_job, job_list
from app.widgets import acting, empty, moment, short, table, verdict, why
from loop_core.models import registered
from loop_core.vocabulary import State

view = session.current()
plan = view.loop.charter.retrain
models = list(reversed(registered(view.loop, view.as_of)))
champion = view.loop.champion(view.as_of)
decisions = view.loop.entries("trigger.decided", view.as_of)
if champion is None:
    verdict("No model serves yet: the first one has nobody to beat.", State.PENDING)
elif decisions:
    last = decisions[-1]
    fired = ", ".join(last.payload.get("fired", ()))
    verdict(
        f"A retrain is called for: {fired}." if last.payload.get("retrain") else "No trigger asks for a retrain.",
        State.WATCH if last.payload.get("retrain") else State.OK, f"Decided on {moment(last.as_of)} · champion {short(champion)}",
    )  # fmt: skip
else:
    verdict("No trigger was evaluated yet.", State.PENDING, f"Champion {short(champion)}")

if acting(view):
    left, right = st.columns([3, 2], gap="large")
    with left.form("launch", border=True):
        st.markdown("##### Train a challenger" if champion else "##### Train the first champion")
        with st.container(horizontal=True):
            trials = st.number_input("Trials", 1, 500, plan.trials, key="trials", width=110)
            seconds = st.number_input("At most seconds", 5, 3600, int(plan.seconds), key="seconds", width=150)
            seed = st.number_input("Seed", 0, 2**31 - 1, 0, key="seed", width=110)
        st.caption(
            f"Data: the {plan.window_days} days before {moment(view.present)}, but the newest {plan.comparison_days} mature days, which are kept for the comparison. "
            f"Rows whose label is still unknown are left out."
        )
        if st.form_submit_button("Train", key="train", type="primary", icon=":material/play_arrow:"):
            enqueue_job(
                view,
                "retrain" if champion else "bootstrap",
                {"trials": int(trials), "seconds": int(seconds), "seed": int(seed)},
            )
    with right.container(border=True):
        st.markdown("##### Run one cycle")
        st.caption("Reads the signals, records findings, decides, and trains only where a trigger asks for it.")
        if st.button("Run a cycle", key="cycle", icon=":material/cached:"):
            enqueue_job(view, "cycle", {})

st.markdown("##### Jobs")
job_list(view)

st.markdown("##### Models of this loop")
if not models:
    empty("No model yet", "Train one above; it appears here with what it was trained on.", key="nomodels")
    st.stop()
table(
    [
        {
            "model": short(m.version), "state": "● champion" if m.version == champion else "○ challenger", "trained": m.registered_at, "rows": m.n_rows,
            "from": m.train_start, "to": m.train_end, "parent": short(m.parent), "by": m.actor,
            **{name.replace("_", " "): value for name, value in m.metrics.items() if value is not None},
        }
        for m in models
    ],
    "models", {name: st.column_config.DatetimeColumn(format="D MMM YYYY", timezone="UTC") for name in ("trained", "from", "to")}, alt="Models, newest first",
)  # fmt: skip
why(
    view,
    "Metrics here are of the tuning folds; whether a model is better than the champion is said only by the comparison.",
    "loop_core.models:registered(loop, as_of)",
)
if len(models) > 1 and st.button(
    "Compare a challenger with the champion", key="to_compare", icon=":material/compare_arrows:"
):
    st.switch_page("../pages/compare.py")
