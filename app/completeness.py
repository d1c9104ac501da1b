"""How complete the labels are by age, in which groups: how long a window has to wait."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from app import session
from app.drawn import draw
from app.session import View
from app.widgets import EVERYBODY, empty, labelled, why
from loop_core import charts
from loop_core.labels import CompletenessPoint, completeness

#: Lines that can be told apart in one chart.
LINES = 4


def completeness_panel(view: View, cohort: str | None = None) -> None:
    """Share of labels known by age, by group: how long a window has to wait."""
    labels = view.loop.charter.labels
    split = split_picker(view, "completed", cohort)
    points = session.compute(view, completeness, cohort=split)
    if not points:
        empty("No label arrived yet", "Bring in outcomes; this shows how long they take.", key="nolabels")
        return
    sizes = {point.cohort_value: point.n for point in reversed(points)}
    largest = sorted(sizes, key=lambda value: -sizes[value])[:LINES]
    drawn = [point for point in points if point.cohort_value in largest]
    draw(charts.completeness_curve(drawn, labels.horizon_days, labels.min_mature_share), key="completeness")
    st.caption(
        ("" if split else _how_long(points, labels.min_mature_share))
        + f"Dashed: what a window needs, and the horizon of {labels.horizon_days:g} days."
        + (f" The {LINES} largest of {len(sizes)} groups." if len(sizes) > LINES else "")
    )
    why(
        view,
        "Younger predictions count for the ages they have reached and no further (Kaplan & Meier).",
        f"loop_core.labels:completeness(loop, as_of, cohort={split!r})",
        key="completeness",
    )


def _how_long(points: Sequence[CompletenessPoint], wanted: float) -> str:
    """Of everybody: when enough labels are known, or how many ever are."""
    reached = next((p for p in points if p.share >= wanted), None)
    if reached:
        return f"{wanted:.0%} of labels are known after {reached.age_days:.0f} days. "
    return f"{points[-1].horizon_share:.1%} of labels are known at the horizon; the rest may never come. "


def split_picker(view: View, key: str, cohort: str | None) -> str | None:
    """By which declared cohort to draw a line each; None: one for everybody."""
    names = [EVERYBODY, *(declared.name for declared in view.loop.charter.cohorts)]
    if view.presenting:
        return cohort
    start = names.index(cohort) if cohort in names else 0
    chosen = labelled("by", "Groups by", names, key=key, width=230, index=start)
    return None if chosen == EVERYBODY else str(chosen)
