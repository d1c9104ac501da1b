"""Gates that were set aside, and the way to set one aside."""

from __future__ import annotations

from collections.abc import Iterable

import streamlit as st

from app.actions import Form
from app.faults import plain
from app.session import View
from app.widgets import acting, moment
from loop_core.compare import Override, Scorecard, overriders, overrides_of
from loop_core.people import among
from loop_core.release import override


def set_aside(view: View, card: Scorecard) -> dict[str, Override]:
    """Gate → its override, as known at the view's instant."""
    return overrides_of(view.loop, card.id, view.as_of)


def override_lines(aside: Iterable[Override]) -> None:
    """By whom, when and why, for each gate that was set aside."""
    for one in aside:
        who = f"{plain(one.gate)} ({one.state}) was set aside by **{plain(one.actor)}** on {moment(one.at)}"
        st.markdown(f":orange[**◆ set aside**] {who}: {plain(one.reason)}")


def override_form(view: View, card: Scorecard, key: str = "override") -> None:
    """Set a gate aside that blocks or holds, by somebody who may, with a reason.

    Args:
        view: the current view.
        card: the comparison it is about.
        key: of the form on the page.
    """
    aside = set_aside(view, card)
    gates = [gate.name for gate in card.gates if gate.state != "passed" and gate.name not in aside]
    if not gates or not acting(view):
        return
    allowed = overriders(view.loop.charter)
    with st.popover("Set a gate aside", key=f"side_{key}", icon=":material/remove_moderator:"):
        st.caption(
            "It counts for this comparison only, stays on record, and somebody else still has to approve the release."
        )
        gate = st.selectbox("Gate", gates, key=Form(view, card.id, gates).key(f"{key}_gate"))
        form = Form(view, card.id, gate)
        reason = st.text_input("Why does it not count here?", key=form.key(f"{key}_reason"))
        may = among(view.actor, allowed) is not None
        form.act(
            f"Set {gate} aside", key, override, card.id, gate, fields={"reason": f"{key}_reason"},
            disabled=not may or not reason.strip(),
        )  # fmt: skip
        if not may:
            st.caption(f"Only {', '.join(map(plain, allowed))} may; you act as {plain(view.actor)}.")
