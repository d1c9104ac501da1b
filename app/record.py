"""Ledger entries as rows, and which of them match a search."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import streamlit as st

from app.faults import plain
from app.widgets import table
from loop_core.ledger import ChainReport, Entry
from loop_core.people import same_person


def matching(entries: Sequence[Entry], text: str, kind: str | None, who: str | None) -> list[Entry]:
    """Entries of a kind (its first word) by somebody that contain a text anywhere."""
    return [
        entry
        for entry in entries
        if (kind is None or entry.kind.startswith(f"{kind}."))
        and (who is None or same_person(entry.actor, who))
        and text.lower() in _everything(entry)
    ]


def entries_table(entries: Sequence[Entry]) -> None:
    """Entries as a table; a selected one in full beneath it."""
    when = st.column_config.DatetimeColumn(format="D MMM YYYY HH:mm", timezone="UTC", width=140)
    columns = {"#": st.column_config.NumberColumn(width=50), "as of": when, "recorded": when}
    long = {"reason": st.column_config.TextColumn(width="large")}
    picked = table(
        [_row(entry) for entry in entries], "ledger_table", columns | long, "Ledger entries, newest first",
        on_select="rerun", selection_mode="single-row",
    )  # fmt: skip
    for index in picked.selection.rows:
        st.markdown(f"**Entry {entries[index].seq}** in full  \n{plain(entries[index].reason)}")
        st.json({"payload": entries[index].payload, "hash": entries[index].hash, "prev_hash": entries[index].prev_hash})


def chain_report(report: ChainReport) -> None:
    """Whether what is on record is unaltered, and whether its end is there: two answers."""
    boxes = {"whole": st.success, "unknown": st.warning, "broken": st.error}
    for title, answer in (("Integrity", report.integrity), ("Completeness", report.completeness)):
        boxes[answer.state](f"**{title}.** {plain(answer.sentence)}")
    if report.is_whole:
        st.caption(
            "The present end, to keep outside this workspace; `loop ledger verify --anchor` compares it with what is there:"
        )
        st.code(report.end.text, language=None)


def _row(entry: Entry) -> dict[str, Any]:
    return {
        "#": entry.seq,
        "as of": entry.as_of,
        "what": entry.kind,
        "about": entry.subject[:24],
        "who": entry.actor,
        "reason": entry.reason,
        "recorded": entry.at,
        "hash": entry.hash[:10],
    }


def _everything(entry: Entry) -> str:
    return f"{entry.kind} {entry.subject} {entry.actor} {entry.reason} {json.dumps(entry.payload)}".lower()
