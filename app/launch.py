"""The forms that start long work: a challenger, the first champion, one cycle."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import streamlit as st

from app.actions import Form, queue
from app.session import View
from app.widgets import moment, short
from loop_core.status import ended
from loop_core.workspace import Loop

#: Inputs of a retrain's form, by its parameters.
_BUDGET = ("trials", "seconds", "seed")


def challenger_form(view: View) -> None:
    """Budget and seed of a retrain, and what data it will use."""
    plan = view.loop.charter.retrain
    granted = max(1, int(plan.seconds))
    champion = view.loop.champion(view.as_of)
    form = Form(view, champion, view.loop.charter.hash)
    with st.form(form.key("launch"), border=True):
        st.markdown("##### Train a challenger")
        with st.container(horizontal=True):
            st.number_input("Trials", 1, max(500, plan.trials), plan.trials, key=form.key("trials"), width=110)
            st.number_input("At most seconds", 1, max(3600, granted), granted, key=form.key("seconds"), width=150)
            st.number_input("Seed", 0, 2**31 - 1, 0, key=form.key("seed"), width=110)
        st.caption(
            f"Data: {plan.window_days} days, as known on {moment(view.present)}. They end where the newest "
            f"{plan.comparison_days} mature days begin, which are kept for the comparison. Rows whose label is unknown or "
            "not due yet are left out."
        )
        form.start(
            f"Train a challenger of {short(champion)}", "train", "retrain", {}, fields={name: name for name in _BUDGET},
            button=st.form_submit_button, icon=":material/play_arrow:",
        )  # fmt: skip


def champion_form(view: View) -> None:
    """The first champion: trained on the oldest span, or one that serves elsewhere and is known by its logged scores."""
    form = Form(view, view.loop.charter.hash)
    with st.form(form.key("bootstrap"), border=True):
        st.markdown("##### The first champion")
        with st.container(horizontal=True, vertical_alignment="bottom"):
            default = (view.present - timedelta(days=90)).date()
            st.date_input("Train on predictions before", default, key=form.key("until"), width=220, format="YYYY-MM-DD")
            st.text_input(
                "Or: name in the log", key=form.key("external"), width=220, placeholder="model_version that serves now"
            )
        form.act(
            "Start", "bootstrap_start", _bootstrap, view.present.isoformat(), fields={"until": "until", "external": "external"},
            button=st.form_submit_button, icon=":material/play_arrow:",
        )  # fmt: skip


def _bootstrap(loop: Loop, present: str, *, until: date, external: str, actor: str, seen: int, **_: Any) -> str:
    named = {"external": external.strip()} if external.strip() else {"until": until.isoformat()}
    return queue(loop, "bootstrap", {"as_of": present, **named}, actor=actor, seen=seen)


def cycle_button(view: View) -> None:
    """One cycle at the loop's present; of a log that has ended, whoever presses says from when it looks."""
    with st.container(border=True):
        st.markdown("##### Run one cycle")
        st.caption("Reads the signals, records findings, decides, and trains only where a trigger asks for it.")
        form, end = Form(view, view.present), ended(view.loop, view.present)
        if end is None:
            form.start("Run a cycle", "cycle", "cycle", {}, type="secondary", icon=":material/cached:")
            return
        last, today = f"{end - timedelta(days=1):%Y-%m-%d}", f"{view.present:%Y-%m-%d}"
        st.markdown(f"The newest prediction is of {last}. A cycle of {today} would find windows without a row.")
        with st.container(horizontal=True):
            there = {"as_of": end.isoformat()}
            form.start(f"Run a cycle as of {end:%Y-%m-%d}", "cycle_there", "cycle", there, icon=":material/cached:")
            form.start(f"Run a cycle as of {today}", "cycle", "cycle", {}, type="secondary", icon=":material/cached:")
