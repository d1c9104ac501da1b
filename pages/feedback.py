"""What users say: rating over time, by cohort, and the comments beside their predictions."""

import streamlit as st
from loop_core.feedback import feedback_items, feedback_trend

from app import session
from app.widgets import WORST, cohort_picker, empty, moment, short, table, verdict, why
from loop_core import charts

view = session.current()
trend = session.compute(view, feedback_trend)
rated = [p for p in trend if p.rating_mean is not None]
if not trend:
    empty(
        "No feedback yet",
        "Ratings and comments come in as a file or a query: `loop ingest NAME feedback FILE`.",
        "To the signals",
        "signals",
    )
    st.stop()
if rated:
    last = rated[-1]
    verdict(
        f"{last.n_rated:,} ratings in the newest window, {last.rating_mean:.2f} on average; {last.low_share:.0%} of them low.",
        note=f"{moment(last.window_start)} – {moment(last.window_end)} · 95 % {last.rating_ci_low:.2f} – {last.rating_ci_high:.2f} · model {short(last.model_version)} · {sum(p.n for p in trend):,} items in all windows",
    )  # fmt: skip
with st.container(horizontal=True, key="side_choices", vertical_alignment="center"):
    chosen = cohort_picker(view)
    why(
        view,
        "Windows count feedback by the time it was given; intervals are 95 % t intervals of the mean.",
        "loop_core.feedback:feedback_trend(loop, as_of)",
    )
left, right = st.columns([3, 2], gap="large")
with left:
    st.markdown("##### Mean rating")
    points = (
        rated
        if chosen is None
        else [p for p in session.compute(view, feedback_trend, cohort=chosen) if p.rating_mean is not None]
    )
    largest = sorted({p.cohort_value for p in points}, key=lambda v: -sum(p.n for p in points if p.cohort_value == v))[
        :4
    ]
    st.altair_chart(charts.rating_trend([p for p in points if p.cohort_value in largest]), key="ratings")
with right:
    st.markdown("##### Low ratings, everybody")
    st.altair_chart(charts.low_share(rated), key="low")

st.markdown("##### What they wrote")
with st.form("inbox_filter", border=False), st.container(horizontal=True, vertical_alignment="bottom"):
    text = st.text_input("Contains", key="text", bind="query-params", placeholder="a word of the comment", width=260)
    most = st.selectbox(
        "Rating",
        ["any", "1", "2", "3", "4"],
        key="most",
        bind="query-params",
        width=120,
        format_func=lambda v: v if v == "any" else f"up to {v}",
    )
    st.form_submit_button("Filter", key="filter")
place = st.container()
wanted = {"text": text or None, "max_rating": None if most == "any" else float(most)}
number = int(st.session_state.get("page", 1))
page = session.compute(view, feedback_items, **wanted, offset=(number - 1) * WORST, limit=WORST)
if page.total > WORST:
    st.pagination(-(-page.total // WORST), key="page", bind="query-params")
with place:
    if not page.items:
        empty("No comment matches", "Use a shorter word, or any rating.", key="nomatch")
        st.stop()
    st.caption(f"{page.total:,} items, newest first; select one to see the prediction it is about")
    rows = [
        {
            "when": i.given_at,
            "rating": i.rating,
            "comment": i.comment,
            "about": i.prediction_id,
            "score": i.score,
            "outcome": i.label,
        }
        for i in page.items
    ]
    picked = table(
        rows, "inbox", alt="Feedback, newest first", on_select="rerun", selection_mode="single-row",
        columns={
            "when": st.column_config.DatetimeColumn(format="D MMM YYYY", timezone="UTC", width=100), "rating": st.column_config.NumberColumn(format="%.0f ★", width=70),
            "comment": st.column_config.TextColumn(width="large"), "score": st.column_config.NumberColumn(format="%.3f", width=80),
        },
    )  # fmt: skip
    for index in picked.selection.rows:
        st.json({key: str(value) for key, value in vars(page.items[index]).items()})
