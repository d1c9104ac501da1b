"""The policy in force: what fires, how far the rest is, what was decided."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from app.faults import plain
from app.session import View
from app.widgets import bounded, counted, empty, moment, table, verdict
from loop_core.triggers import Decision, Remedy, TriggerReading
from loop_core.vocabulary import State, Tier

_TIERS = {Tier.ROUTINE: State.WATCH, Tier.EVENT: State.WATCH, Tier.URGENT: State.ALARM}
_FAR = st.column_config.ProgressColumn("how far", min_value=0, max_value=1, format="percent", width=120)


def opening(view: View, decision: Decision) -> None:
    """The sentence of the page: what asks for a retrain now, or how near it is."""
    findings = view.loop.entries("cycle.ran", view.as_of)
    seen = (
        f"By the findings of {moment(findings[-1].as_of)}" if findings else "No cycle ran yet, so there are no findings"
    )
    spend = decision.spend
    cost = (
        f" · this month: {counted(spend.retrains, 'retrain')}, {spend.seconds:,.0f} s of search granted"
        if spend is not None
        else ""
    )
    if decision.retrain and decision.tier is not None:
        asked = f" · asked: {', '.join(decision.asks)}" if decision.asks else ""
        verdict(f"A retrain is called for: {_words(decision.fired)}.", _TIERS[decision.tier], seen + asked + cost)
    else:
        verdict(_nearest(decision), State.OK if decision.evaluated else State.PENDING, seen + cost)


def at_once(remedy: Remedy) -> None:
    """What not to wait for."""
    with st.container(key="remedy", border=True):
        st.markdown(f":red[▲ At once] · {plain(remedy.sentence)}")
        if remedy.command:
            st.code(remedy.command, language="bash")


def readings(decision: Decision) -> None:
    """Every trigger, and within it the parts it is made of."""
    rows = [row for reading in decision.evaluated for row in _reading(reading)]
    if rows:
        columns = {"how far": _FAR, "why": st.column_config.TextColumn(width="large")}
        table(rows, "triggers_table", columns, "Triggers in force: what each says, and how far it has come")


def decisions(view: View) -> None:
    """What was decided, newest first; a selected one with what every trigger said."""
    entries = list(reversed(view.loop.entries("trigger.decided", view.as_of)))
    if not entries:
        empty(
            "No decision yet",
            "Every cycle leaves one, whatever it decides.",
            "To the cycle",
            "retrain",
            key="nodecisions",
        )
        return
    shown = bounded(entries, "decisions", "decisions")
    rows = [{"as of": entry.as_of, **_decided(entry.payload), "by": entry.actor} for entry in shown]
    columns = {
        "as of": st.column_config.DatetimeColumn(format="D MMM YYYY", timezone="UTC"),
        "the rest": st.column_config.TextColumn(width="large", help="How far each trigger that did not fire had come"),
    }
    picked = table(
        rows, "decisions_table", columns, "Decisions, newest first", on_select="rerun", selection_mode="single-row",
        height=245,
    )  # fmt: skip
    for index in picked.selection.rows:
        _in_full(shown[index].payload)


def _in_full(payload: Mapping[str, Any]) -> None:
    for one in payload.get("evaluated", ()):
        st.markdown(f"**{plain(one['kind'])}** · {plain(one['sentence'])}")
        rows = [
            {"finding": f"{e['code']} {e['subject']}", "state": e["state"], "value": e["value"], "threshold": e["threshold"], "how to get it": e["query"]}
            for e in one.get("evidence", ())
        ]  # fmt: skip
        if rows:
            table(rows, f"evidence_{one['kind']}", alt=f"Evidence of {one['kind']}")
    if payload.get("remedy"):
        st.markdown(f"▲ At once: {plain(payload['remedy']['sentence'])}")


def _reading(reading: TriggerReading, depth: int = 0) -> list[dict[str, Any]]:
    row = {
        "": _mark(reading),
        "trigger": "– " * depth + _words([reading.kind]),
        "tier": reading.tier.value,
        "how far": None if reading.distance is None else round(reading.distance, 2),
        "why": reading.sentence,
    }
    return [row, *(inner for part in reading.parts for inner in _reading(part, depth + 1))]


def _mark(reading: TriggerReading) -> str:
    return "▲ fires" if reading.fired else "○ cannot be told" if reading.distance is None else "● quiet"


def _decided(payload: Mapping[str, Any]) -> dict[str, Any]:
    """A decision of the ledger as a row; older ones lack spend and people."""
    rest = [one for one in payload.get("evaluated", ()) if not one["fired"]]
    spend = payload.get("spend") or {}
    return {
        "decided": "▲ retrain" if payload.get("retrain") else "● wait",
        "tier": payload.get("tier"),
        "because of": _words(payload.get("fired", ())),
        "the rest": ", ".join(f"{_words([one['kind']])} {_percent(one['distance'])}" for one in rest),
        "asked": ", ".join(payload.get("asks", ())),
        "granted, s": spend.get("seconds"),
    }


def _nearest(decision: Decision) -> str:
    known = [reading for reading in decision.evaluated if reading.distance is not None]
    if not decision.evaluated:
        return "Nothing asks for a retrain: the charter has no trigger."
    if not known:
        return "No trigger fires, and none can tell how far it is."
    nearest = max(known, key=lambda reading: reading.distance or 0.0)
    return f"No trigger fires now. Nearest: {_words([nearest.kind])}, {_percent(nearest.distance)} of the way."


def _percent(distance: float | None) -> str:
    return "not told" if distance is None else f"{distance:.0%}"


def _words(kinds: Sequence[str]) -> str:
    return ", ".join(kind.replace("_", " ") for kind in kinds)
