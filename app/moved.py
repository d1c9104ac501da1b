"""One cell of the heatmap: in which groups it moved, and whether it matters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from app import session
from app.cohorts import groups_by
from app.drawn import draw
from app.drift import LOUD, Asked
from app.faults import plain
from app.session import View
from app.widgets import bounded, empty, mark_of, moment, table, why
from loop_core import charts
from loop_core.monitor import DriftScore, drift_scores


def groups(view: View, asked: Asked, cell: DriftScore) -> None:
    """Which values of a cohort moved in this feature and window, each against its own past."""
    cohort = groups_by(view, asked.cohort)
    if cohort is None:
        return
    found = session.compute(view, drift_scores, weeks=asked.weeks, cohort=cohort, method=asked.method)
    here = [s for s in found if s.feature == cell.feature and s.window_start == cell.window_start]
    known = sorted((s for s in here if s.value is not None), key=lambda s: -(s.value or 0) / (s.threshold or 1))
    if not known:
        empty("No group has enough rows in this window", "Choose a cohort with larger groups.", key="nogroup")
        return
    moved = [s for s in known if s.state in LOUD]
    said = ", ".join(plain(str(s.cohort_value)) for s in moved[:3]) + (" …" if moved[3:] else "")
    st.markdown(
        f"**{len(moved)} of {len(known)} groups moved{f': {said}' if moved else ''}** · {plain(cell.feature)}, "
        f"{moment(cell.window_start)} – {moment(cell.window_end)}, each group against its own reference."
    )
    left, right = st.columns([3, 2], gap="large")
    with left:
        draw(charts.cohort_drift(bounded(known, "groups", "groups")), key="cohort_drift")
    with right:
        _mix(here)


def _mix(here: Sequence[DriftScore]) -> None:
    """How much of everything each group is, then and now."""
    reference, current = sum(s.n_reference for s in here), sum(s.n_current for s in here)
    rows = [
        {
            "group": str(s.cohort_value),
            "state": mark_of(s.state),
            "share then": s.n_reference / max(1, reference),
            "share now": s.n_current / max(1, current),
            "n now": s.n_current,
        }
        for s in sorted(here, key=lambda s: -s.n_current)[:15]
    ]
    share = st.column_config.NumberColumn(format="percent", width=90)
    table(rows, "mix", {"share then": share, "share now": share}, alt="Shares of the groups then and now")


def importance_quadrant(
    view: View, scores: Sequence[DriftScore], cell: DriftScore, importance: Mapping[str, float]
) -> None:
    """Importance × drift of all features in the chosen window."""
    here = [score for score in scores if score.window_start == cell.window_start]
    if not importance:
        empty(
            "How much a feature matters is not known",
            "The champion's mean |SHAP| is computed for models that were trained here.",
            key="noimportance",
        )
        return
    draw(charts.quadrant(here, importance, cell.feature), key="quadrant")
    st.caption(
        "Right of the dashed line: drifted. Above the grey one: more than an even share of what the champion's scores rest on."
    )
    why(
        view,
        "Mean |SHAP| of the champion's scores on a seeded sample of its training span, as shares that add up to 1.",
        "loop_core.monitor:importance(loop, as_of)",
        key="importance",
    )
