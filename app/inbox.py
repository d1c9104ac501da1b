"""What users wrote, page by page, each beside the prediction it is about."""

from __future__ import annotations

from typing import Any

import streamlit as st

from app import session
from app.faults import plain
from app.session import View
from app.widgets import WORST, empty, table
from loop_core.charter import About
from loop_core.feedback import FeedbackPage, feedback_items

_COLUMNS = {
    "when": st.column_config.DatetimeColumn(format="D MMM YYYY", timezone="UTC", width=100),
    "rating": st.column_config.NumberColumn(format="%.0f ★", width=70),
    "comment": st.column_config.TextColumn(width="large"),
    "score": st.column_config.NumberColumn(format="%.3f", width=80),
}


def inbox(view: View) -> None:
    """Filter, table, pages; the filter sits in a form so that typing reruns nothing."""
    with (
        st.form("inbox_filter", border=False),
        st.container(horizontal=True, vertical_alignment="bottom", key="side_inbox"),
    ):
        text = st.text_input(
            "Contains", key="text", bind="query-params", placeholder="a word of the comment", width=260
        )
        most = st.selectbox("Rating up to", ["any", "1", "2", "3", "4"], key="most", bind="query-params", width=120)
        st.form_submit_button("Filter", key="filter")
    place, number = st.container(), int(st.session_state.get("page", 1))
    worst_rating = None if most == "any" else float(most)
    found = session.compute(
        view, feedback_items, text=text or None, max_rating=worst_rating, offset=(number - 1) * WORST, limit=WORST
    )
    if found.total > WORST:
        st.pagination(-(-found.total // WORST), key="page", bind="query-params")
    with place:
        _items(found, view.loop.charter.loop)


def _items(found: FeedbackPage, about: About) -> None:
    if not found.items:
        empty("No comment matches", "Use a shorter word, or any rating.", key="nomatch")
        return
    st.caption(f"{found.total:,} items, newest first; select one to see the prediction it is about")
    rows = [_row(item, about) for item in found.items]
    picked = table(rows, "inbox", _COLUMNS, "Feedback, newest first", on_select="rerun", selection_mode="single-row")
    for index in picked.selection.rows:
        item = found.items[index]
        st.markdown(f"> {plain(item.comment or 'no comment')}")
        st.json({name: str(value) for name, value in vars(item).items() if name != "comment"})


def _row(item: Any, about: About) -> dict[str, Any]:
    outcome = None if item.label is None else about.label_word(item.label)
    return {
        "when": item.given_at,
        "rating": item.rating,
        "comment": item.comment,
        "about": item.prediction_id,
        "score": item.score,
        "outcome": outcome,
    }
