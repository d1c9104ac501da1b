"""Accuracy, fairness, latency, size and training cost of the newest models, and which of them nothing beats."""

from __future__ import annotations

from typing import Any

import streamlit as st

from app.actions import Form
from app.drawn import draw
from app.faults import plain
from app.numbers import apart
from app.session import View
from app.widgets import moment, short, table, why
from loop_core.charts.tradeoff import COSTS, drawn, tradeoff_chart
from loop_core.compare import Scorecard
from loop_core.compare.metrics import words_of
from loop_core.compare.tradeoff import AXES, Candidate, Tradeoff
from loop_core.compare.tradeoffs import latest_tradeoff

WORDS = """A model is beaten where another is no worse on every axis and better on one. Where something is known of one of the
two and nothing of the other, neither beats the other; an axis on which nothing is known of anybody does not count. The metric
is on rows that all of them share and none has seen. Latency is measured on this machine, by scoring single rows with each
package in turn; of an external model it is what the log says, network and all, and is compared only with other logs.
The median counts, and differences under 10 % of a measured one are the clock's noise. What the clock says differs from run to
run, so it is no part of a scorecard and holds no release."""


def tradeoff_panel(view: View, card: Scorecard) -> None:
    """The newest trade-off, and a button that measures again.

    Args:
        view: the current view.
        card: the comparison that is open; its two models are looked at in any case.
    """
    found = latest_tradeoff(view.loop, view.as_of)
    if found is None:
        st.caption("Not measured yet: each model answers 200 single rows on this machine; it takes some seconds.")
    else:
        st.markdown(plain(found.sentence))
        st.caption(
            f"As of {moment(found.as_of)} · {words_of(found.metric)} on {found.n:,} common rows · timed on {found.timed_rows:,}"
        )
        _chart(found)
        _table(found)
        for note in found.notes:
            st.caption(plain(note))
    with st.container(horizontal=True, vertical_alignment="center"):
        if view.is_present and not view.presenting:
            both = {"with": [version for version in (card.champion, card.challenger) if version]}
            form = Form(view, card.id)
            form.start("Measure", "tradeoff_run", "tradeoff", both, type="secondary", icon=":material/timer:")
        why(view, WORDS, "loop_core.compare.tradeoffs:latest_tradeoff(loop, as_of)", key="tradeoff")


def _chart(found: Tradeoff) -> None:
    shown = [cost for cost in COSTS if len(drawn(found, cost)) > 1]
    if not shown:
        st.caption("Fewer than two models are known on the metric and on some cost, so there is nothing to draw.")
        return
    cost = shown[0]
    if len(shown) > 1:
        asked = st.segmented_control("Cost", shown, default=cost, key="tradeoff_cost", label_visibility="collapsed")
        cost = asked or cost
    draw(tradeoff_chart(found, cost), key="tradeoff_chart")


def _table(found: Tradeoff) -> None:
    metric = words_of(found.metric)
    rows = [_row(one, metric) for one in found.candidates]
    formats = apart(rows, (metric, "fairness gap"), down=True) | apart(rows, ("p50, ms", "p95, ms"), least=2, down=True)
    formats |= apart(rows, ("size, kB",), least=0, down=True) | apart(rows, ("training, s",), least=1, down=True)
    table(rows, "tradeoff", formats, alt="Trade-off between models")


def _row(one: Candidate, metric: str) -> dict[str, Any]:
    return {
        "": f"✕ beaten by {', '.join(map(short, one.dominated_by))}" if one.dominated_by else "● stands",
        "model": short(one.version),
        metric: one.value,
        "fairness gap": one.gap,
        "p50, ms": one.latency_p50_ms,
        "p95, ms": one.latency_p95_ms,
        "latency": one.latency_from or None,
        "size, kB": None if one.model_bytes is None else one.model_bytes / 1e3,
        "training, s": one.training_seconds,
        "not known": ", ".join(AXES[axis] for axis in one.unknown) or None,
    }
