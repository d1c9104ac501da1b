"""Confirmed slices of a comparison, with both of their numbers, and the way to make one a declared cohort."""

from __future__ import annotations

from typing import Any

import streamlit as st

from app.actions import Form
from app.faults import plain
from app.numbers import apart
from app.session import View
from app.widgets import acting, spaced, table, why
from loop_core.compare import Scorecard, Slice, declare_slice, declared_as
from loop_core.workspace import Loop

WORDS = """Columns are cut – numbers at quantiles, categories by value, missing values by themselves – and every combination of up to
`compare.slice_depth` conditions with rows enough is looked at on one half of the entities. What stands out there is tried on the
other half, which played no part in finding it: one-sided, clustered by entity, corrected for the number of tries
(Benjamini–Hochberg at `compare.slice_fdr`, in the form that holds for slices that overlap). The gap where a slice was found is flattered by the choice; believe the other one."""

GATE = "no slice worse"
_NUMBERS = ("where found", "confirmed", "95 % from", "to", "champion", "challenger")


def slices_panel(view: View, card: Scorecard) -> None:
    """What was looked at, the confirmed slices, and a button each that declares it.

    Args:
        view: the current view.
        card: the comparison.
    """
    st.markdown(plain(_said(card)))
    if card.slices:
        rows = [_row(one) for one in card.slices]
        formats = apart(rows, _NUMBERS, width=90)
        counts = {name: st.column_config.NumberColumn(format="localized", width=90) for name in ("rows there", "rows")}
        share = {"of all": st.column_config.NumberColumn(format="percent", width=70)}
        table(rows, "slices", formats | counts | share, alt="Confirmed slices")
    if card.slices and acting(view):
        for one in card.slices:
            _declare(view, card, one)
    why(view, WORDS, f"loop_core.compare:load_scorecard(loop, {card.id!r}).slices", key="slices")


def _said(card: Scorecard) -> str:
    """What the search came to, as the gate or, where slices gate nothing, a note says it."""
    gates = [gate.sentence for gate in card.gates if gate.name == GATE]
    notes = [note for note in card.notes if "slice" in note.lower()]
    none = "No slices were looked for in this comparison: they are switched off, nothing served, or it was made before."
    return next(iter((*gates, *notes)), none)


def _row(one: Slice) -> dict[str, Any]:
    return {
        "": one.id,
        "slice": one.text,
        "metric": spaced(one.metric),
        "confirmed": one.gap,
        "95 % from": one.ci_low,
        "to": one.ci_high,
        "rows": one.n,
        "where found": one.gap_search,
        "rows there": one.n_search,
        "champion": one.champion,
        "challenger": one.challenger,
        "of all": one.share,
    }


def _declare(view: View, card: Scorecard, one: Slice) -> None:
    with st.container(horizontal=True, vertical_alignment="center", key=f"slice_{one.id}"):
        st.markdown(f"**{one.id}** {plain(one.text)}", width="content")
        if known := declared_as(view.loop.charter, one):
            st.caption(f"Declared as cohort {plain(known)}; compare again to see its gate.", width="content")
            return
        with st.popover("Declare as cohort", key=f"side_declare_{one.id}", icon=":material/group_add:"):
            st.caption("The charter changes, on record; the next comparison has it as a cohort with its gate.")
            form, typed = (
                Form(view, card.id, one),
                {"name": f"declare_name_{one.id}", "reason": f"declare_reason_{one.id}"},
            )
            st.text_input("Name", key=form.key(typed["name"]), placeholder="small letters, digits, underscores")
            st.text_input("Why watch it?", key=form.key(typed["reason"]))
            form.act(f"Declare {one.id}", f"declare_{one.id}", _declare_slice, card.id, one.id, fields=typed)


def _declare_slice(loop: Loop, scorecard_id: str, slice_id: str, *, name: str, **named: Any) -> None:
    declare_slice(loop, scorecard_id, slice_id, name=name.strip(), **named)
