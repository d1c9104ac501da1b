"""Groups of one window: cohorts × metrics, and pairs of cohorts."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import streamlit as st

from app import evidence, session
from app.drawn import draw
from app.performance import Measured
from app.session import View
from app.widgets import bounded, empty, labelled, moment, spaced, why
from loop_core import charts
from loop_core.charts.matrix import by_harm
from loop_core.monitor import PerformancePoint, performance

#: A pair of cohorts, as the monitor names it.
PAIR = " × "


def cohorts(view: View, measured: Measured, point: PerformancePoint) -> None:
    """Every metric by the values of one cohort in the chosen window."""
    chosen = groups_by(view, measured.cohort)
    if chosen is not None:
        _matrix(view, measured, point, chosen)


def groups_by(view: View, asked: str | None) -> str | None:
    """Picker of the cohort to tell groups apart by, at first the one the page is cut by; None: none is declared."""
    names = [cohort.name for cohort in view.loop.charter.cohorts]
    if not names:
        empty("No cohort is declared", "The charter's `[[cohorts]]` say which groups to tell apart.", key="nocohorts")
        return None
    start = names.index(asked) if asked in names else 0
    return str(labelled("by", "Groups by", names, key="by", width=230, index=start))


def pairs(view: View, measured: Measured, point: PerformancePoint) -> None:
    """The same for two cohorts at once: a group may do badly only where both meet."""
    names = [PAIR.join(pair) for pair in combinations([c.name for c in view.loop.charter.cohorts], 2)]
    if not names:
        empty("There is no pair", "Two declared cohorts make one.", key="nopairs")
        return
    _matrix(view, measured, point, str(labelled("by", "Pair of cohorts", names, key="pair", width=330)))


def _matrix(view: View, measured: Measured, point: PerformancePoint, cohort: str) -> None:
    found = _here(session.compute(view, performance, cohort=cohort, weeks=measured.weeks), point)
    overall = _here(session.compute(view, performance, weeks=measured.weeks), point)
    # The metric on screen decides which group fares worst.
    overall = sorted(overall, key=lambda p: p.metric != measured.metric)
    known = {p.cohort_value for p in found if p.value is not None}
    if not known:
        empty(
            "No group has enough labels in this window",
            "Choose a window further back, or larger groups.",
            key="nogroup",
        )
        return
    found = sorted((p for p in found if p.cohort_value in known), key=lambda p: p.metric != measured.metric)
    order = by_harm(found, overall)
    shown = set(bounded(order, "cohorts", "groups"))
    draw(charts.cohort_matrix([p for p in found if charts.group_of(p) in shown], overall), key=f"matrix_{cohort}")
    waiting = len({p.cohort_value for p in _all(view, measured, cohort, point)} - known)
    st.caption(
        "▲ worse and ● better than everybody beyond chance; grey: few rows, so the value is drawn towards everybody's."
        + (f" ○ {waiting} groups have too few labels in this window." if waiting else "")
    )
    first = next(p for p in found if charts.group_of(p) == order[0])
    why(
        view,
        f"{moment(point.window_start)} – {moment(point.window_end)}. Small groups are shrunk by DerSimonian & Laird's random "
        f"effects. The SQL is of {spaced(first.metric)} of the group on top, as measured.",
        f"loop_core.monitor:performance(loop, as_of, cohort={cohort!r}, weeks={measured.weeks})",
        evidence.metric_sql(view, first),
        key="matrix",
    )


def _here(found: Sequence[PerformancePoint], point: PerformancePoint) -> list[PerformancePoint]:
    return [p for p in found if (p.window_start, p.window_end) == (point.window_start, point.window_end)]


def _all(view: View, measured: Measured, cohort: str, point: PerformancePoint) -> list[PerformancePoint]:
    return _here(session.compute(view, performance, cohort=cohort, weeks=measured.weeks), point)
