"""Take a batch out again from the page."""

from __future__ import annotations

from typing import Any

import streamlit as st

from app.actions import Form
from app.session import View
from app.widgets import acting, moment
from loop_core.clock import now
from loop_core.errors import following
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
        key=Form(view, there).key("retract_batch"),
        format_func=lambda k: (
            f"{there[k].source} · {there[k].accepted:,} {there[k].kind} · {moment(there[k].arrived_at, clock=True)}"
        ),
    )
    batch = there[chosen]
    form = Form(view, batch)
    reason = st.text_input(
        "Reason", key=form.key("retract_reason"), placeholder="why these rows should never have been accepted"
    )
    form.act(
        f"Take out {batch.accepted:,} {batch.kind} from {batch.source}", "retract", _retract, batch.batch_id,
        fields={"reason": "retract_reason"}, type="secondary", disabled=not reason.strip(),
        help="On record. The same file can be brought in again afterwards.",
    )  # fmt: skip


def _retract(loop: Loop, batch_id: str, *, actor: str, **named: Any) -> None:
    done = retract(loop, batch_id, actor=actor, **named)
    with following(done.sentence, "profiles follow with the next cycle, or `loop maintain`"):
        refresh_profiles(loop, actor=actor)
