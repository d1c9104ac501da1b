"""Alerts on a page: who is asked for what, since when, on what evidence; acknowledge, mute, and what to do."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from typing import Any

import streamlit as st

from app import session
from app.actions import Form
from app.faults import plain
from app.session import View
from app.widgets import acting, bounded, mark_of, moment, table
from loop_core.alerts import (
    ALERT_MARKS,
    Alert,
    AlertState,
    MessageStatus,
    acknowledge,
    alerts,
    messages,
    mute,
    playbook,
    playbooks,
    resend,
    unmute,
)
from loop_core.errors import RefusedError
from loop_core.workspace import Loop

#: Instants are days here.
_DAY = st.column_config.TextColumn(width=85)
_COLUMNS = {
    "alert": st.column_config.TextColumn(width=45),
    "state": st.column_config.TextColumn(width=115),
    "severity": st.column_config.TextColumn(width=75),
    "what": st.column_config.TextColumn(width=540),
    "asks": st.column_config.TextColumn(width=80),
    "impact": st.column_config.NumberColumn(format="%.4f", width=65, help="Estimated harm to the first metric."),
    "first seen": _DAY,
    "since": _DAY,
}


def alerts_section(view: View) -> None:
    """What asks somebody for something, what costs most first; one of them from every side."""
    # Not `session.compute`: on the wall clock it looks from the last full minute, and a click shall show at once.
    standing = alerts(view.loop, view.as_of)
    st.markdown("##### Alerts")
    if not standing:
        st.markdown("● Nobody is asked for anything.")
        return
    _shown(bounded(standing, "alerts", "alerts"), view)
    chosen = _chosen(standing, view)
    if chosen is not None:
        _one(view, chosen)
    if not view.presenting:
        _undelivered(view)


def _shown(standing: Sequence[Alert], view: View) -> None:
    rows = [
        {
            "alert": one.id,
            "state": ALERT_MARKS[one.state],
            "severity": mark_of(one.severity),
            "what": one.title,
            "asks": one.owner,
            "impact": one.impact,
            "first seen": f"{one.first_seen:%Y-%m-%d}",
            "since": f"{one.since:%Y-%m-%d}",
        }
        for one in standing
    ]
    take = partial(_take_clicked, [one.id for one in standing])
    more = {} if view.presenting else {"on_select": take, "selection_mode": "single-row"}
    table(rows, "alerts", _COLUMNS, alt="Alerts, what costs most first", **more)


def _take_clicked(names: Sequence[str]) -> None:
    """A row that was clicked is the alert to look into."""
    for index in st.session_state["alerts"].selection.rows:
        st.session_state["alert"] = names[index]


def _chosen(standing: Sequence[Alert], view: View) -> Alert | None:
    """The alert that is looked into: the costliest, until the URL or a reader says another."""
    if view.presenting:
        return standing[0]
    names = [one.id for one in standing]
    # Bound by hand: a bound selectbox does not tell the URL what a clicked row has set.
    wanted = st.session_state.get("alert", st.query_params.get("alert"))
    # Another loop has other alerts, and one may be over by now.
    st.session_state["alert"] = wanted if wanted in names else names[0]
    with st.container(horizontal=True, vertical_alignment="center", gap="small", width="content"):
        st.markdown("look into", width="content")
        name = st.selectbox("Alert", names, key="alert", width=110, label_visibility="collapsed")
    st.query_params["alert"] = str(name)
    return next((one for one in standing if one.id == name), None)


def _one(view: View, one: Alert) -> None:
    with st.container(border=True, key=f"alert_{one.id}"):
        st.markdown(f"**{one.id}** · {ALERT_MARKS[one.state]} · asks **{plain(one.owner)}** · {plain(_since(one))}")
        st.markdown("  \n".join(f"{mark_of(finding.state)} · {plain(finding.sentence)}" for finding in one.findings))
        if view.presenting:
            return
        with st.container(horizontal=True, vertical_alignment="center"):
            _what_to_do(one)
            _evidence(one)
        if acting(view):
            _verbs(view, one)


def _since(one: Alert) -> str:
    parts = [f"first seen {moment(one.first_seen)}", f"raised {moment(one.since)}"]
    if one.acknowledged_by:
        parts.append(f"acknowledged by {one.acknowledged_by} on {moment(one.acknowledged_at)}")
    if one.state is AlertState.MUTED:
        parts.append(f"muted until {moment(one.muted_until)} by {one.muted_by}")
    if one.escalated_at:
        parts.append(f"escalated {moment(one.escalated_at)}")
    return " · ".join(parts) + (f" – {one.note}" if one.note else "")


def _what_to_do(one: Alert) -> None:
    for code in one.codes[:3]:
        if code in playbooks() and st.button(
            f"Playbook: {code}", key=f"playbook_{code}", icon=":material/menu_book:", type="tertiary"
        ):
            _playbook(code)


@st.dialog("What to do", width="large")
def _playbook(code: str) -> None:
    st.markdown(playbook(code))


def _evidence(one: Alert) -> None:
    told = [finding for finding in one.findings if finding.evidence]
    if not told:
        return
    with st.popover("Evidence", key="evidence", type="tertiary", icon=":material/search:"):
        st.caption("Gives the same numbers again")
        for finding in told:
            st.markdown(f"{plain(finding.subject)}")
            st.code(finding.evidence, language="sql" if "select" in finding.evidence.lower() else "python")


def _verbs(view: View, one: Alert) -> None:
    form, typed = Form(view, one), {"reason": f"alert_reason_{one.id}"}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        reason = st.text_input("Reason", key=form.key(typed["reason"]), placeholder="for the record", width=330)
        if one.state is AlertState.OPEN:
            form.act(f"Acknowledge {one.id}", f"ack_{one.id}", acknowledge, one.id, fields=typed)
        if one.state is AlertState.MUTED:
            form.act(f"Unmute {one.id}", f"unmute_{one.id}", unmute, one.id, fields=typed, type="secondary")
            return
        tomorrow = session.shown_day(view.present) + timedelta(days=1)
        until = {**typed, "day": f"mute_until_{one.id}"}
        st.date_input(
            "Mute until", tomorrow + timedelta(days=6), tomorrow, key=form.key(until["day"]), width=140, format="YYYY-MM-DD",
        )  # fmt: skip
        form.act(
            f"Mute {one.id}", f"mute_{one.id}", _mute, one.id, fields=until, type="secondary", disabled=not reason.strip(),
            help="Needs a reason.",
        )  # fmt: skip


def _mute(loop: Loop, alert_id: str, *, day: date | None, **named: Any) -> None:
    """`mute` until a day begins, as a person picks it."""
    if day is None:
        raise RefusedError(f"No day to mute {alert_id} until", todo="choose one")
    mute(loop, alert_id, datetime.combine(day, time(), UTC), **named)


def _undelivered(view: View) -> None:
    """Where messages go, and those that may not have arrived."""
    doubtful = [
        message
        for status in (MessageStatus.UNKNOWN, MessageStatus.FAILED)
        for message in messages(view.loop.workspace, loop=view.loop.name, status=status, limit=5)
    ]
    if view.loop.charter.loop.clock == "data":
        st.caption("This loop replays the past: nobody is sent a message.")
    for message in doubtful[:5]:
        with st.container(horizontal=True, vertical_alignment="center", key=f"message_{message.id}"):
            may = "may not have arrived" if message.status is MessageStatus.UNKNOWN else "was not delivered"
            st.markdown(f"○ {message.alert} to {plain(message.channel)} {may}: {plain(message.last_error)}")
            if view.is_present:
                again = f"Send {message.alert} to {message.channel} again"
                Form(view, message).act(again, f"resend_{message.id}", resend, message.id, type="secondary")
