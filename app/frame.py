"""What surrounds every page: pickers above it, or in presentation mode only its name and two arrows."""

from __future__ import annotations

from datetime import date

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from app import session
from app.faults import plain
from app.navigation import beside, go
from app.widgets import moment
from loop_core.clock import now
from loop_core.workspace import Loop, Workspace


def frame(ws: Workspace, here: StreamlitPage) -> session.View:
    """Show the pickers and put what they choose in force."""
    with st.container(key="pickers", horizontal=True, vertical_alignment="center", gap="medium"):
        loop = ws.loop(_loop_picker(ws))
        day = _day_picker(loop)
        st.space("stretch")
        actor = _actor_picker()
        presenting = st.toggle(
            "Presentation",
            key="present",
            bind="query-params",
            help="Larger type, no controls; arrow keys step through the pages, Esc ends.",
        )
    view = session.choose(loop, day, actor, presenting)
    if presenting:
        _steps(view, here)
    return view


def _loop_picker(ws: Workspace) -> str:
    # Bound by hand: the URL shall carry the loop's name, and a bound selectbox would write its title.
    loops, wanted = ws.loops(), st.query_params.get("loop")
    titles = {name: ws.loop(name).charter.loop.title for name in loops}
    chosen: str = st.selectbox(
        "Loop", loops, loops.index(wanted) if wanted in loops else 0, key="loop", persist_state="session", width=230,
        label_visibility="collapsed", on_change=_go_to_present, args=(ws,), format_func=lambda name: titles.get(name, name),
    )  # fmt: skip
    if len(loops) > 1:
        st.query_params["loop"] = chosen
    return chosen


def _day_picker(loop: Loop) -> date | None:
    present = session.shown_day(loop.present(now()))
    with st.container(horizontal=True, gap="small", vertical_alignment="center", width="content"):
        st.markdown("as of")
        day: date | None = st.date_input(
            "As of", value=present, max_value=present, key="as_of", bind="query-params", width=130, label_visibility="collapsed",
            format="YYYY-MM-DD", help="Everything below is shown as it was known at the start of this day.",
        )  # fmt: skip
        if day != present:
            st.button(
                "Back to the present",
                key="to_present",
                on_click=_go_to,
                args=(present,),
                icon=":material/update:",
                type="tertiary",
            )
    return day


def _actor_picker() -> str:
    with st.container(horizontal=True, gap="small", vertical_alignment="center", width="content"):
        st.markdown("acting as", width="content")
        chosen: str = st.selectbox(
            "Acting as", session.identities(), key="actor", persist_state="session", width=170, label_visibility="collapsed",
            help="Nobody approves their own proposal: switch to the second identity to approve.",
        )  # fmt: skip
    return chosen


def _go_to_present(ws: Workspace) -> None:
    # Another loop has another present: the day chosen for the last one would mean something else.
    _go_to(session.shown_day(ws.loop(st.session_state["loop"]).present(now())))


def _go_to(day: date) -> None:
    st.session_state["as_of"] = day


def _steps(view: session.View, here: StreamlitPage) -> None:
    with st.container(key="steps", horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{plain(view.loop.charter.loop.title)}** · {here.title} · {moment(view.as_of)}")
        st.space("stretch")
        for label, step, key in (("◀", -1, "Left"), ("▶", 1, "Right")):
            if st.button(label, key=f"step_{key}", shortcut=key, type="tertiary"):
                go(beside(here.title, step))
        st.button("End", key="step_end", shortcut="Esc", type="tertiary", on_click=_end)


def _end() -> None:
    st.session_state["present"] = False
