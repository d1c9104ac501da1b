"""Buttons that call a verb of the core as the current identity, and say what came of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import streamlit as st

from app.faults import plain, show
from app.session import View
from loop_core.errors import panicked

_SAID = "said"


def act(
    label: str,
    key: str,
    verb: Callable[..., Any],
    view: View,
    /,
    *arguments: Any,
    kind: Literal["primary", "secondary"] = "primary",
    disabled: bool = False,
    help: str | None = None,
    **named: Any,
) -> None:
    """A button that calls `verb(loop, *arguments, actor=, as_of=the present, **named)` once and reruns the page."""
    if not st.button(label, key=key, type=kind, disabled=disabled, help=help):
        return
    try:
        with st.spinner(f"{label} …"):
            verb(view.loop, *arguments, actor=view.actor, as_of=view.present, **named)
    except Exception as error:
        show(error)
        return
    except BaseException as error:
        if not panicked(error):
            raise
        show(RuntimeError(str(error)))
        return
    st.session_state[_SAID] = f"{label}: done, and on record as {view.actor}."
    st.rerun()


def said() -> None:
    """Show what the last verb said, once."""
    message = st.session_state.pop(_SAID, None)
    if message:
        st.toast(plain(message), icon=":material/check:")
