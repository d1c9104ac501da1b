"""Is a retrain worth it: the newest forecast beside the launch form, and how good forecasts have been."""

from __future__ import annotations

import streamlit as st

from app import session
from app.jobs import enqueue_job
from app.session import View
from app.widgets import moment, why
from loop_core.compare import forecast_outcomes
from loop_core.retrain import spending


def worth_panel(view: View, acting: bool) -> None:
    """What is expected of a retrain, what retrains of this month took, and a button that asks.

    Args:
        view: the current view.
        acting: whether the person may start something here.
    """
    with st.container(border=True, key="worth"):
        st.markdown("##### Is it worth it?")
        forecasts = view.loop.entries("retrain.forecast", view.as_of)
        if forecasts:
            st.markdown(forecasts[-1].reason)
            st.caption(f"Told on {moment(forecasts[-1].as_of)}. {_record(view)}")
        else:
            st.caption(
                "A quick fit on rows that the champion did not see, and how earlier retrains turned out, say it."
            )
        st.caption(_spent(view))
        with st.container(horizontal=True, vertical_alignment="center"):
            if acting and st.button("Ask", key="ask_worth", icon=":material/balance:"):
                enqueue_job(view, "forecast", {})
            why(
                view,
                "A model of the champion's parameters is fitted without a search and compared on the newest tuning rows; "
                "earlier retrains are its prior (random effects). The interval is for what the comparison will find.",
                "loop_core.compare:forecast(loop, as_of)",
                key="worth",
            )


def _record(view: View) -> str:
    outcomes = session.compute(view, forecast_outcomes)
    if not outcomes:
        return "No forecast could be scored yet."
    inside = sum(one.inside for one in outcomes)
    passed = sum(one.passed for one in outcomes)
    expected = sum(one.forecast.chance for one in outcomes)
    return (
        f"Of {len(outcomes)} earlier forecasts {inside} held within their interval; {passed} retrains passed where "
        f"{expected:.1f} were expected to."
    )


def _spent(view: View) -> str:
    took, most = session.compute(view, spending), view.loop.charter.retrain.month_seconds
    limit = f" of {most:,.0f} s a month" if most else ""
    many = "1 retrain" if len(took) == 1 else f"{len(took)} retrains"
    return f"This month {many} took {sum(one.seconds for one in took):,.0f} s{limit}."
