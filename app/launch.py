"""The forms that start long work: a challenger, the first champion, one cycle."""

from __future__ import annotations

from datetime import date, timedelta

import streamlit as st

from app.jobs import enqueue_job
from app.session import View
from app.widgets import moment


def challenger_form(view: View) -> None:
    """Budget and seed of a retrain, and what data it will use."""
    plan = view.loop.charter.retrain
    granted = max(1, int(plan.seconds))
    with st.form("launch", border=True):
        st.markdown("##### Train a challenger")
        with st.container(horizontal=True):
            trials = st.number_input("Trials", 1, max(500, plan.trials), plan.trials, key="trials", width=110)
            seconds = st.number_input("At most seconds", 1, max(3600, granted), granted, key="seconds", width=150)
            seed = st.number_input("Seed", 0, 2**31 - 1, 0, key="seed", width=110)
        st.caption(
            f"Data: {plan.window_days} days, as known on {moment(view.present)}. They end where the newest "
            f"{plan.comparison_days} mature days begin, which are kept for the comparison. Rows whose label is unknown or "
            "not due yet are left out."
        )
        if st.form_submit_button("Train", key="train", type="primary", icon=":material/play_arrow:"):
            enqueue_job(view, "retrain", {"trials": int(trials), "seconds": int(seconds), "seed": int(seed)})


def champion_form(view: View) -> None:
    """The first champion: trained on the oldest span, or one that serves elsewhere and is known by its logged scores."""
    with st.form("bootstrap", border=True):
        st.markdown("##### The first champion")
        with st.container(horizontal=True, vertical_alignment="bottom"):
            default = (view.present - timedelta(days=90)).date()
            until: date = st.date_input(
                "Train on predictions before", default, key="until", width=220, format="YYYY-MM-DD"
            )
            external = st.text_input(
                "Or: name in the log", key="external", width=220, placeholder="model_version that serves now"
            )
        if st.form_submit_button("Start", key="bootstrap_start", type="primary", icon=":material/play_arrow:"):
            named = {"external": external.strip()} if external.strip() else {"until": until.isoformat()}
            enqueue_job(view, "bootstrap", named)


def cycle_button(view: View) -> None:
    """One cycle at the loop's present."""
    with st.container(border=True):
        st.markdown("##### Run one cycle")
        st.caption("Reads the signals, records findings, decides, and trains only where a trigger asks for it.")
        if st.button("Run a cycle", key="cycle", icon=":material/cached:"):
            enqueue_job(view, "cycle", {})
