"""What users say on the whole: the mean rating over time, by cohort, and the share of low ones."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from app import evidence, session
from app.drawn import draw
from app.session import View
from app.widgets import cohort_picker, moment, short, verdict, why
from loop_core import charts
from loop_core.feedback import FeedbackPoint, feedback_trend
from loop_core.figures import numbers_apart
from loop_core.vocabulary import State

LINES = 4


def ratings(view: View, trend: Sequence[FeedbackPoint]) -> None:
    """The newest window in one sentence, and all of them as charts."""
    rated = [point for point in trend if point.rating_mean is not None]
    if rated:
        last = rated[-1]
        ends = [end for end in (last.rating_ci_low, last.rating_ci_high) if end is not None]
        mean, *inside = numbers_apart(last.rating_mean or 0.0, *ends, digits=2)
        interval = f"95 % {' – '.join(inside)}" if inside else "no interval"
        verdict(
            f"{last.n_rated:,} ratings in the newest window, {mean} on average; {last.low_share:.0%} of them low.",
            note=f"{moment(last.window_start)} – {moment(last.window_end)} · {interval} · model {short(last.model_version)} · "
            f"{sum(point.n for point in trend):,} items in {len(trend)} windows",
        )
    else:
        verdict("There are comments, but no ratings yet.", State.PENDING)
    with st.container(horizontal=True, key="side_choices", vertical_alignment="center"):
        cohort = cohort_picker(view)
        why(
            view,
            "Windows count feedback by the time it was given; intervals are 95 % intervals of the mean.",
            f"loop_core.feedback:feedback_trend(loop, as_of, cohort={cohort!r})",
            evidence.rating_sql(rated[-1]) if rated else None,
        )
    left, right = st.columns([3, 2], gap="large")
    with left:
        st.markdown("##### Mean rating")
        points = [p for p in session.compute(view, feedback_trend, cohort=cohort) if p.rating_mean is not None]
        sizes = {
            value: sum(p.n for p in points if p.cohort_value == value) for value in {p.cohort_value for p in points}
        }
        largest = sorted(sizes, key=lambda value: -sizes[value])[:LINES]
        draw(charts.rating_trend([p for p in points if p.cohort_value in largest]), key="ratings")
        if len(sizes) > LINES:
            st.caption(f"The {LINES} largest of {len(sizes)} groups.")
    with right:
        st.markdown("##### Low ratings, everybody")
        draw(charts.low_share(rated), key="low")
