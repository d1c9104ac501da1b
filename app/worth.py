"""Is a retrain worth it: the newest forecast beside the launch form, and how good forecasts have been."""

from __future__ import annotations

import streamlit as st

from app import session
from app.actions import Form
from app.faults import plain
from app.session import View
from app.widgets import moment, why
from loop_core.compare import forecast_outcomes, usual_seconds
from loop_core.ledger import Entry
from loop_core.retrain import spending


def worth_panel(view: View, acting: bool) -> None:
    """What is expected of a retrain, what one takes, what those of this month took, and a button that asks.

    Args:
        view: the current view.
        acting: whether the person may start something here.
    """
    with st.container(border=True, key="worth"):
        st.markdown("##### Is it worth it?")
        told = next(iter(view.loop.entries("retrain.forecast", view.as_of)[::-1]), None)
        if told is not None:
            st.markdown(plain(told.reason))
            st.caption(
                " ".join(
                    said for said in (f"Told on {moment(told.as_of)}.", _outdated(view, told), _record(view)) if said
                )
            )
        else:
            st.caption(
                "A quick fit on rows that the champion did not see, and how earlier retrains turned out, say it."
            )
        st.caption(f"A retrain usually takes {session.compute(view, usual_seconds):,.0f} s. {_spent(view)}")
        with st.container(horizontal=True, vertical_alignment="center"):
            if acting:
                form = Form(view, view.loop.champion(view.as_of))
                form.start("Ask", "ask_worth", "forecast", {}, type="secondary", icon=":material/balance:")
            why(
                view,
                "A model of the champion's parameters is fitted without a search and compared on the newest tuning rows; "
                "earlier retrains are its prior (random effects). The interval is for what the comparison will find.",
                "loop_core.compare:forecast(loop, as_of)",
                key="worth",
                as_of=told.as_of if told else None,
            )


def _outdated(view: View, told: Entry) -> str:
    """Why a forecast is not about the next retrain any more; empty: it is."""
    if told.subject != view.loop.champion(view.as_of):
        return "Another model serves since: ask again."
    trained = [e for e in view.loop.entries("retrain.finished", view.as_of) if e.seq > told.seq]
    return "A retrain followed it: ask again before the next." if trained else ""


def _record(view: View) -> str:
    outcomes = session.compute(view, forecast_outcomes)
    if not outcomes:
        return "No forecast could be scored yet."
    inside = sum(one.inside for one in outcomes)
    passed = sum(one.passed for one in outcomes)
    expected = sum(one.forecast.chance for one in outcomes)
    return (
        f"Of {len(outcomes)} earlier forecasts {inside} held within their interval; {passed} retrains passed overall where "
        f"{expected:.1f} were expected to."
    )


def _spent(view: View) -> str:
    took, most = session.compute(view, spending), view.loop.charter.retrain.month_seconds
    limit = f" of {most:,.0f} s a month" if most else ""
    many = "1 retrain" if len(took) == 1 else f"{len(took)} retrains"
    return f"This month {many} took {sum(one.seconds for one in took):,.0f} s{limit}."
