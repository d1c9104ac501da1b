"""Flips: answers that change with the model, counted for every group, and the rows behind them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import streamlit as st

from app import session
from app.session import View
from app.widgets import empty, moment, table, why
from loop_core.compare import Cell, Scorecard
from loop_core.compare.flip_counts import FlipCount
from loop_core.compare.flips import LIMIT, Flip, Flips, flips
from loop_core.signed import decimals, signed_difference
from loop_core.vocabulary import Task
from loop_core.workspace import Loop

_WORDS = {True: ("nearer", "farther off"), False: ("fixed", "broken")}


def flips_of(view: View, card: Scorecard, cell: Cell) -> None:
    """What changes for one group, and its rows.

    Args:
        view: the current view.
        card: the comparison.
        cell: any of the group's.
    """
    if card.champion is None:
        empty("Nothing serves", "There is no champion whose answers could change.", key="noflips")
        return
    found = session.compute(view, _flips, card=card.id, cohort=cell.cohort, value=cell.cohort_value)
    numbers = view.loop.charter.loop.task is Task.REGRESSION
    st.markdown(" ".join(filter(None, (_said(found, numbers), found.note))))
    words = _WORDS[numbers]
    kinds = {f"{words[1]} ({found.chosen.broken:,})": "broken", f"{words[0]} ({found.chosen.fixed:,})": "fixed"}
    picked = st.segmented_control(
        "Which", list(kinds), default=next(iter(kinds)), key="flipped", required=True, label_visibility="collapsed"
    )
    rows = [one for one in found.rows if one.kind == kinds.get(str(picked), "broken")]
    if rows:
        _rows(rows)
    else:
        st.caption("No row.")
    group = f", cohort={cell.cohort!r}, value={cell.cohort_value!r}" if cell.cohort else ""
    why(
        view,
        f"The two answers at {_point(found)}, set against the label of each compared row. At most {LIMIT} rows are shown, those "
        "whose scores moved farthest. The interval of the net share adds rows up within their entity.",
        f"loop_core.compare:flips(loop, {card.id!r}{group})",
        key="flips",
    )


def flips_panel(view: View, card: Scorecard) -> None:
    """Fixed and broken answers of every group, the one that loses most on top; a line opens it above."""
    if card.champion is None:
        empty("Nothing serves", "There is no champion whose answers could change.", key="noflipgroups")
        return
    found = session.compute(view, _flips, card=card.id, cohort=None, value=None)
    words = _WORDS[view.loop.charter.loop.task is Task.REGRESSION]
    share = st.column_config.NumberColumn(format="percent", width=90)
    whole = st.column_config.NumberColumn(format="localized", width=90)
    columns = {"net": share, "95 % from": share, "to": share} | dict.fromkeys(("n", *words, "both wrong"), whole)
    columns["net a week"] = st.column_config.NumberColumn(format="%+.1f", width=100)
    st.caption(" ".join(filter(None, ("Select a line to see the group's rows above, under “Flips”.", found.note))))
    table(
        [_count(one, words) for one in found.counts], "flips_by_group", columns, "Flips by group",
        on_select=lambda: _take(found.counts), selection_mode="single-row",
    )  # fmt: skip


def _take(counts: Sequence[FlipCount]) -> None:
    for place in st.session_state["flips_by_group"].selection.rows:
        st.session_state["group"] = _who(counts[place])
        st.session_state["look"] = "Flips"


def _flips(loop: Loop, as_of: datetime, *, card: str, cohort: str | None, value: str | None) -> Flips:
    """Flips on the rows of a stored comparison."""
    return flips(loop, card, cohort=cohort, value=value)


def _said(found: Flips, numbers: bool) -> str:
    one = found.chosen
    share = signed_difference(one.net, one.ci_low, one.ci_high, number=lambda size: f"{size:.1%}")
    weekly = signed_difference(one.weekly, number=decimals(1))
    net = f"in all **{signed_difference(one.fixed - one.broken, number=decimals(0))}**, {share} of all rows, {weekly} a week"
    if numbers:
        return f"Of {one.n:,} predictions **{one.fixed:,} come nearer** and **{one.broken:,} go farther off**: {net}."
    wrong = f" Both are wrong on {one.both_wrong:,}." if one.both_wrong is not None else ""
    return f"Of {one.n:,} answers **{one.fixed:,} are fixed** and **{one.broken:,} broken**: {net}.{wrong}"


def _point(found: Flips) -> str:
    return "the most probable class" if found.threshold is None else f"a threshold of {found.threshold:.3g}"


def _rows(rows: Sequence[Flip]) -> None:
    score = st.column_config.NumberColumn(format="%.4g", width=85)
    table(
        [
            {
                "came": one.label,
                "champion": one.champion,
                "challenger": one.challenger,
                "predicted": moment(one.predicted_at),
                **{name: str(value) if isinstance(value, datetime) else value for name, value in one.columns.items()},
                "prediction": one.prediction_id,
            }
            for one in rows
        ],
        "flip_rows",
        {"champion": score, "challenger": score},
        "Rows that the two models answer differently",
        height=270,
    )


def _count(one: FlipCount, words: tuple[str, str]) -> dict[str, Any]:
    return {
        "group": _who(one),
        "n": one.n,
        words[0]: one.fixed,
        words[1]: one.broken,
        "both wrong": one.both_wrong,
        "net": one.net,
        "95 % from": one.ci_low,
        "to": one.ci_high,
        "net a week": one.weekly,
    }


def _who(one: FlipCount) -> str:
    """As `Cell.who` names it."""
    return "everybody" if one.cohort is None else f"{one.cohort.replace('_', ' ')} {one.cohort_value}"
