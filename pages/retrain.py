"""Launch a retrain, watch it, stop it; and run a cycle."""

import streamlit as st

from app import session
from app.card import card_panel
from app.jobs import job_list
from app.launch import challenger_form, champion_form, cycle_button
from app.models import models_table
from app.navigation import go
from app.trials import trials_panel
from app.widgets import acting, empty, moment, short, verdict, why
from app.worth import worth_panel
from loop_core.charter import WATCHED_OF
from loop_core.models import registered
from loop_core.release import state
from loop_core.vocabulary import State

view = session.current()
models = list(reversed(registered(view.loop, view.as_of)))
champion = view.loop.champion(view.as_of)
decisions = view.loop.entries("trigger.decided", view.as_of)
if champion is None:
    verdict("No model serves yet: the first one has nobody to beat.", State.PENDING)
elif decisions:
    last = decisions[-1]
    fired = ", ".join(last.payload.get("fired", ()))
    made = [e.subject for e in view.loop.entries("retrain.finished", view.as_of) if e.seq > last.seq]
    if not last.payload.get("retrain"):
        said, mark = "No trigger asks for a retrain.", State.OK
    elif made:
        said, mark = f"A retrain was called for ({fired}), and {short(made[-1])} was trained.", State.OK
    else:
        said, mark = f"A retrain is called for: {fired}.", State.WATCH
    verdict(said, mark, f"Decided on {moment(last.as_of)} · champion {short(champion)}")
else:
    verdict("No trigger was evaluated yet.", State.PENDING, f"Champion {short(champion)}")

if acting(view):
    left, right = st.columns([3, 2], gap="large")
    with left:
        form = challenger_form if champion else champion_form
        form(view)
    with right:
        if champion:
            worth_panel(view, acting=True)
        cycle_button(view)
st.markdown("##### Jobs")
job_list(view)

trials_panel(view)
st.markdown("##### Models of this loop")
if not models:
    empty("No model yet", "Train one above; it appears here with what it was trained on.", key="nomodels")
    st.stop()
models_table(
    models,
    [tenure.version for tenure in state(view.loop, view.as_of).tenures],
    WATCHED_OF[view.loop.charter.loop.task],
)
card_panel(view, [model.version for model in models])
with st.container(horizontal=True, vertical_alignment="center", key="side_models"):
    if st.button("Compare a challenger", key="to_compare", icon=":material/compare_arrows:"):
        go("compare")
    why(
        view,
        "Metrics here are of the tuning folds; whether a model is better than the champion is said by the comparison.",
        "loop_core.models:registered(loop, as_of)",
    )
