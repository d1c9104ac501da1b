"""Mutation tests and the contract of a challenger: what small changes of its inputs do, and what its callers rely on."""

from __future__ import annotations

from typing import Any

import streamlit as st

from app.faults import plain
from app.session import View
from app.widgets import spaced, table, why
from loop_core.compare import Scorecard
from loop_core.compare.mutation_result import MutationResult

WORDS = """The newest rows are asked again with one input changed as the charter's `[[mutations]]` say: shifted within its measurement
step (both ends, and a drawn place between), in another unit, missing, or a category never seen. A change *holds* where at most
`max_share` of the scores move further than `bound`, and the interval of that share (Wilson) does not reach beyond; features declared
`monotone` are swept over 20 of their quantiles, and no step may go the wrong way."""

_MARKS = {"holds": "● holds", "broken": "▲ too far", "undecided": "○ undecided", "not_tested": "– not tested"}
_CHECKS = {"ok": ("●", "blue"), "watch": ("◆", "orange"), "broken": ("▲", "red"), "unknown": ("○", "gray")}


def soundness_panel(view: View, card: Scorecard) -> None:
    """The mutation tests as a table with the row that moves most, then the contract, a line each.

    Args:
        view: the current view.
        card: the comparison.
    """
    st.markdown("##### Small changes of one input")
    tested = [one for one in card.mutations if one.feature]
    if tested:
        share = st.column_config.NumberColumn(format="percent", width=90)
        formats: dict[str, Any] = dict.fromkeys(("moved further", "95 % to", "may", "champion’s"), share)
        formats |= {name: st.column_config.NumberColumn(format="%.4g", width=90) for name in ("bound", "most move")}
        formats["n"] = st.column_config.NumberColumn(format="localized", width=70)
        table([_row(one) for one in tested], "mutations", formats, alt="Mutation tests")
        for one in tested:
            if one.example and one.state in ("broken", "undecided"):
                st.caption(plain(f"{_MARKS[one.state]} · {one.example}."))
    else:
        st.markdown(
            plain(card.mutations[0].sentence) if card.mutations else "This comparison did not look; compare again."
        )
    why(view, WORDS, f"loop_core.compare:load_scorecard(loop, {card.id!r}).mutations", key="mutations")
    st.markdown("##### What its callers rely on")
    if not card.contract:
        st.markdown("This comparison did not look; compare again.")
    for part in card.contract:
        mark, colour = _CHECKS[part.state]
        todo = f"  \n:gray[Next: {plain(part.next_step)}]" if part.next_step else ""
        st.markdown(f":{colour}[**{mark} {part.state}**] {part.check}  \n{plain(part.sentence)}{todo}")


def _row(one: MutationResult) -> dict[str, Any]:
    return {
        "result": _MARKS[one.state],
        "input": spaced(one.feature),
        "change": f"{one.change} {one.size}".strip(),
        "moved further": one.share,
        "95 % to": one.ci_high,
        "may": one.max_share if one.share is not None else None,
        "champion’s": one.champion_share,
        "bound": one.bound,
        "most move": one.move,
        "n": one.n or None,
        "note": one.reason,
    }
