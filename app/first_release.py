"""A first release on the page: what the model does by cohort, with nothing to compare it with."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from app.faults import plain
from app.numbers import apart
from app.widgets import table
from loop_core.compare import Cell, Scorecard
from loop_core.compare.metrics import words_of

WORDS = """No model serves, so no difference, no verdict and no margin: these are the values of this model alone,
on rows it has not seen. Whether they are good enough is for people to say."""


def first_release_panel(card: Scorecard, cells: Sequence[Cell]) -> None:
    """Values by group.

    Args:
        card: of a first release.
        cells: of the metric that is looked at.
    """
    st.markdown("##### A first release: its values by group")
    st.caption(WORDS)
    if not card.cells:
        st.markdown("\n".join(f"- {plain(note)}" for note in card.notes))
        return
    metric = words_of(cells[0].metric) if cells else ""
    rows = [{"group": one.who, "n": one.n, metric: one.challenger, "note": _note(one)} for one in cells]
    number = st.column_config.NumberColumn
    formats = {"n": number(format="localized"), **apart(rows, (metric,), down=True), "note": None}
    if any(row["note"] for row in rows):
        del formats["note"]
    table(rows, "first_release", formats, alt="Values of a first release")


def _note(cell: Cell) -> str:
    return cell.reason if cell.challenger is None else ""
