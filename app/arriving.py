"""The health of the signals: how fresh, how many, what the gates said."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from app import session
from app.drawn import draw
from app.faults import boundary
from app.session import View
from app.widgets import mark_of, moment, why
from loop_core import charts
from loop_core.monitor import service_health
from loop_core.monitor.intake import BatchLine, Intake


def freshness(signals: Sequence[Intake]) -> None:
    """One card a signal: rows, how old the newest is, and whether that is too old."""
    for column, signal in zip(st.columns(len(signals)), signals, strict=True):
        limit = f", limit {signal.limit_days:g}" if signal.limit_days else ""
        fresh = "none yet" if signal.age_days is None else f"newest {signal.age_days:.1f} days old{limit}"
        column.metric(
            f"{signal.signal.value} · {mark_of(signal.state)}", f"{signal.rows:,}", fresh, delta_color="off", delta_arrow="off",
            border=True, help=f"Newest: {moment(signal.newest, clock=True)}",
        )  # fmt: skip


def arrivals(view: View, arrived: Sequence[BatchLine]) -> None:
    """Volume by window of prediction, and by day of arrival what the gates did with every row."""
    left, right = st.columns(2, gap="large")
    with left, boundary():
        st.markdown("##### Predictions by window")
        health = session.compute(view, service_health)
        if health:
            draw(charts.volume(health), key="volume")
    with right, boundary():
        st.markdown("##### What the gates did with each delivery's rows")
        if arrived:
            draw(charts.gate_results(arrived), key="gates")
            received = sum(batch.received for batch in arrived)
            held = sum(batch.quarantined for batch in arrived) / max(1, received)
            stopped = sum(batch.state == "stopped" for batch in arrived)
            st.caption(
                f"{held:.2%} of {received:,} rows were held back"
                + (f" · ▲ {stopped} deliveries were stopped as a whole" if stopped else "")
                + f" · the newest {len(arrived):,} deliveries"
            )
        else:
            st.caption("○ No delivery was on record by then: what was imported later counts as arrived later.")
    why(
        view,
        "Every row of a delivery is accepted, held back, or refused as unchanged or conflicting with one that is there.",
        "loop_core.monitor.intake:batches(loop, as_of)",
        key="arrivals",
    )
