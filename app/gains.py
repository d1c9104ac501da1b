"""Who gains and who loses: the forest of groups, and beside it one group from every side. A click reruns only this."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import streamlit as st

from app import session
from app.compared import Compared
from app.drawn import draw, draw_once
from app.faults import boundary, plain
from app.first_release import first_release_panel
from app.flipped import flips_of
from app.scorecards import cell_line
from app.session import View
from app.widgets import EVERYBODY, bounded, empty, labelled, moment, short, why
from loop_core import charts
from loop_core.compare import Cell, Scorecard
from loop_core.compare.metrics import words_of
from loop_core.compare.overlay import calibration_overlay
from loop_core.compare.scale import Scale, digits, scaled, unit_of
from loop_core.monitor.reliability import ReliabilityCurve
from loop_core.signed import decimals, signed_difference
from loop_core.workspace import Loop

#: Pixels of the panel beside the forest, which scrolls for itself so that the list stays where it is.
HEIGHT = 470


@st.fragment
def who_gains(view: View, chosen: Compared) -> None:
    """The forest, and the details of the group that is chosen in it.

    Args:
        view: the current view.
        chosen: with a scorecard.
    """
    card, scale = chosen.card, chosen.scale
    assert card is not None
    mine = [cell for cell in card.cells if cell.metric == chosen.metric]
    if card.champion is None:
        first_release_panel(card, bounded(mine, "cells", "groups"))
        return
    unit = unit_of(chosen.metric, scale, view.loop.charter)
    if unit is None:
        scale = "absolute"
    order = charts.by_harm(mine, lambda cell: scaled(cell, scale, card.weeks).difference)
    drawn, beside = (st.container(), st.container()) if view.presenting else st.columns([3, 2], gap="medium")
    with beside:
        with st.container(key="side_group"):
            group = str(labelled("details of", "Group", [cell.who for cell in order], key="group", width=290))
        if not view.presenting or group != EVERYBODY:
            _details(view, card, [cell for cell in card.cells if cell.who == group])
    with drawn, boundary():
        st.markdown(f"##### Who gains, who loses: {words_of(chosen.metric)}, the most harmed on top")
        if unit is None:
            st.caption(
                f"{words_of(chosen.metric)} is no sum over predictions, so it has no weekly value; shown as it is."
            )
        picture = st.container()
        shown = _shown(order, group)
        with picture:
            _forest(view, chosen, shown, (scale, group))


def _forest(view: View, chosen: Compared, shown: Sequence[Cell], told: tuple[Scale, str]) -> None:
    scale, group = told
    weeks = chosen.card.weeks if chosen.card else 1.0
    unit = unit_of(chosen.metric, scale, view.loop.charter) or ""
    draw_once(
        view,
        lambda: charts.forest(shown, charts.Look(scale, unit, group), [scaled(cell, scale, weeks) for cell in shown]),
        key="forest",
        of=(*chosen.asked, scale, group, len(shown), tuple(cell.who for cell in shown)),
        on_select=take_clicked_group,
    )
    if not view.presenting:
        st.caption("Grey tick: the margin, up to which a loss counts as not worse. Click a line for its details.")


def take_clicked_group() -> None:
    """A line clicked in the forest becomes the chosen group."""
    lines = st.session_state["forest"].selection.get("group", [])
    if lines:
        st.session_state["group"] = lines[0]["who"]


def _shown(order: Sequence[Cell], group: str) -> Sequence[Cell]:
    """The most harmed, and the chosen one wherever it stands."""
    first = bounded(order, "cells", "groups")
    return [*first, *(cell for cell in order[len(first) :] if cell.who == group)]


def _details(view: View, card: Scorecard, cells: Sequence[Cell]) -> None:
    looks = {
        "Numbers": lambda: _numbers(view, card, cells),
        "Flips": lambda: flips_of(view, card, cells[0]),
        "Calibration": lambda: _calibration(view, card, cells[0]),
    }
    with st.container(height=HEIGHT if not view.presenting else "content", border=False, key="beside"):
        if view.presenting:
            _numbers(view, card, cells)
            return
        for tab, show in zip(st.tabs(list(looks), key="look", bind="query-params"), looks.values(), strict=True):
            if tab.open:
                with tab, boundary():
                    show()


def _numbers(view: View, card: Scorecard, cells: Sequence[Cell]) -> None:
    """Every metric of one group."""
    st.markdown(f"**{plain(cells[0].who)}** · n = {cells[0].n:,} · {cells[0].predictions / card.weeks:,.0f} a week")
    for cell in cells[: 4 if view.presenting else None]:
        st.markdown(cell_line(cell) + (f"  \n:gray[{plain(_beneath(cell))}]" if not view.presenting else ""))


def _beneath(cell: Cell) -> str:
    """How the interval was made, what the group's kin make of it, and what is still needed."""
    parts = [cell.method, cell.reason if cell.difference is not None else ""]
    if cell.shrunk is not None and cell.difference is not None:
        parts.append(f"drawn to its kind {signed_difference(cell.shrunk, number=decimals(digits(cell)))}")
    if cell.rows_needed is not None:
        by = f", there by {moment(cell.decided_on)}" if cell.decided_on else ""
        parts.append(f"{cell.rows_needed:,} more rows decide{by}")
    return " · ".join(part for part in parts if part)


def _calibration(view: View, card: Scorecard, cell: Cell) -> None:
    """Both models on the same axes, on the rows of one group."""
    if card.champion is None:
        empty("Nothing serves", "There is no champion to be drawn beside.", key="nooverlay")
        return
    curves = session.compute(view, _overlay, card=card.id, cohort=cell.cohort, value=cell.cohort_value)
    if not any(curve.bins for curve in curves):
        empty("Calibration cannot be told", f"{curves[0].n:,} rows are too few.", key="fewbins")
        return
    names = [f"champion {short(card.champion)}", f"challenger {short(card.challenger)}"]
    draw(charts.reliability_chart(curves, names, 270), key="overlay")
    st.caption(plain(" · ".join(f"{name}: {_off(curve)}" for name, curve in zip(names, curves, strict=True))))
    group = f", cohort={cell.cohort!r}, value={cell.cohort_value!r}" if cell.cohort else ""
    why(
        view,
        "Bins of equal mass by each model's own score, with 95 % intervals (Wilson's of shares); on the dashed diagonal a model "
        "keeps its word. How far it is off on average is the expected calibration error, corrected for its upward bias.",
        f"loop_core.compare:calibration_overlay(loop, {card.id!r}{group})",
        key="overlay",
    )


def _overlay(
    loop: Loop, as_of: datetime, *, card: str, cohort: str | None, value: str | None
) -> tuple[ReliabilityCurve, ReliabilityCurve]:
    """Curves on the rows of a stored comparison."""
    return calibration_overlay(loop, card, cohort=cohort, value=value)


def _off(curve: ReliabilityCurve) -> str:
    if curve.ece is None:
        return "too few rows"
    number = (lambda x: f"{x:.1%}") if curve.unit is None else (lambda x: f"{x:,.3g} {curve.unit}".strip())
    ends = (curve.ece_ci_low, curve.ece_ci_high)
    inside = f" ({number(ends[0])} – {number(ends[1])})" if ends[0] is not None and ends[1] is not None else ""
    return f"off by {number(curve.ece)}{inside}"
