"""How the service ran in the same windows: volume, errors, confidence."""

from __future__ import annotations

import streamlit as st

from app import session
from app.drawn import draw
from app.performance import Measured
from app.session import View
from app.widgets import empty, why
from loop_core import charts
from loop_core.monitor import service_health
from loop_core.vocabulary import Task


def service_panel(view: View, measured: Measured) -> None:
    """Volume, error share with interval, and where the scores lie."""
    health = measured.mine(session.compute(view, service_health, cohort=measured.split, weeks=measured.weeks))
    if not health:
        empty("Nothing was served in these windows", "Choose more windows above.", key="nohealth")
        return
    span, plan = charts.span_of(health), view.loop.charter.monitor
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown("##### Volume")
        draw(charts.volume(health), key="volume")
    with right:
        st.markdown("##### Errors")
        draw(charts.error_strip(health, span, plan.max_error_share), key="errors")
        if any(point.score_p50 is not None for point in health):
            said = "Predictions" if view.loop.charter.loop.task is Task.REGRESSION else "Confidence"
            st.markdown(f"##### {said}: median and outer tenths")
            draw(charts.confidence_strip(health, span), key="confidence")
    why(
        view,
        "Windows go by the time of prediction; ratings by the time they were given.",
        f"loop_core.monitor:service_health(loop, as_of, cohort={measured.split!r}, weeks={measured.weeks})",
        key="service",
    )
