"""Ledger entries and drift → the events of a timeline."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from app.widgets import moment, short
from loop_core.ledger import Entry
from loop_core.workspace import Loop

_LANES = {
    "release.promoted": ("release", "released"),
    "release.rolled_back": ("rollback", "rolled back to"),
    "model.registered": ("retrain", "trained"),
}


def events(loop: Loop, as_of: datetime, days: int) -> list[dict[str, Any]]:
    """What happened in the last `days` before `as_of`: dicts as `charts.timeline` takes them, oldest first."""
    since = as_of - timedelta(days=days)
    entries = [entry for entry in loop.ledger.entries(loop=loop.name, until=as_of) if entry.as_of >= since]
    return [event for entry in entries if (event := _event(entry))]


def _event(entry: Entry) -> dict[str, Any] | None:
    if entry.kind in _LANES:
        lane, verb = _LANES[entry.kind]
        what = (
            f"{short(entry.subject)} {verb} by {entry.actor}"
            if lane != "rollback"
            else f"{verb} {short(entry.subject)} by {entry.actor}"
        )
    elif entry.kind == "trigger.decided" and entry.payload.get("retrain"):
        lane, what = "trigger", f"retrain decided: {', '.join(entry.payload.get('fired', ())) or entry.reason}"
    else:
        return None
    return {
        "when": entry.as_of,
        "day": moment(entry.as_of),
        "lane": lane,
        "what": what + (f" – {entry.reason}" if entry.reason else ""),
    }
