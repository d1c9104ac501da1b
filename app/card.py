"""The card of a model, to read and to take away."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from app import session
from app.faults import plain
from app.session import View
from app.widgets import labelled, short, why
from loop_core.compare import model_card


def card_panel(view: View, versions: Sequence[str]) -> None:
    """Which model, and everything there is to say of it.

    Args:
        view: the current view.
        versions: registered ones, newest first.
    """
    with st.container(horizontal=True, key="side_model", vertical_alignment="center"):
        version = str(labelled("card of", "Model", list(versions), key="card", width=190, format_func=short))
        card = session.compute(view, model_card, version=version)
        text = card.to_markdown()
        st.download_button(
            "Markdown",
            text,
            f"{card.loop}-{version}.md",
            "text/markdown",
            key="card_markdown",
            icon=":material/download:",
        )
        why(
            view,
            "Written from the model's manifest, the charter and its newest comparison; nothing in it is typed by hand.",
            f"loop_core.compare:model_card(loop, as_of, {version!r})",
            key="card",
        )
    if view.presenting:
        st.markdown(f"##### Card of {plain(short(version))}")
    left, right = st.columns(2, gap="large")
    half = (len(card.sections) + 1) // 2
    for column, sections in ((left, card.sections[:half]), (right, card.sections[half:])):
        with column:
            for section in sections:
                st.markdown(f"**{plain(section.title)}**\n" + "".join(f"\n- {plain(line)}" for line in section.lines))
