"""Take a batch out again from the page."""

from __future__ import annotations

from typing import Any

import streamlit as st

from app.actions import act
from app.faults import plain
from app.session import View
from app.widgets import acting, moment
from loop_core.clock import now
from loop_core.gates import retract
from loop_core.monitor.intake import batches
from loop_core.monitor.profiles import refresh_profiles
from loop_core.workspace import Loop


def retraction(view: View) -> None:
    """Choose a batch, say why, and press: each batch has a form of its own."""
    # Those, too, that arrived after the present of a loop that replays the past.
    there = [
        batch
        for batch in batches(view.loop, max(view.present, now()))
        if batch.state in ("ingested", "replayed") and batch.accepted
    ]
    if not there or not acting(view):
        return
    chosen = st.selectbox(
        "Batch",
        range(len(there)),
        key="retract_batch",
        format_func=lambda k: plain(
            f"{there[k].source} · {there[k].accepted:,} {there[k].signal.value} · {moment(there[k].arrived_at, clock=True)}"
        ),
    )
    batch = there[chosen]
    key = f"retract_{batch.batch_id}_{batch.arrived_at.isoformat()}"
    reason = st.text_input("Reason", key=f"{key}_reason", placeholder="why these rows should never have been accepted")
    act(
        f"Take out {batch.accepted:,} {batch.signal.value} of {plain(batch.source)}",
        key,
        _retract,
        view,
        batch.batch_id,
        reason=reason,
        kind="secondary",
        disabled=not reason.strip(),
        help="On record. The same file can be brought in again afterwards.",
    )


def _retract(loop: Loop, batch_id: str, *, actor: str, **named: Any) -> None:
    retract(loop, batch_id, actor=actor, **named)
    refresh_profiles(loop, actor=actor)
