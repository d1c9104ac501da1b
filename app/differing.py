"""Only what differs between champion and challenger."""

from __future__ import annotations

import streamlit as st

from app import session
from app.session import View
from app.widgets import short, table, why
from loop_core.compare import Scorecard
from loop_core.models import Difference, manifest_of, what_differs
from loop_core.workspace import Loop


def differs_panel(view: View, card: Scorecard) -> None:
    """Data, features, parameters, calibration and libraries of the two manifests, where they are not the same.

    Args:
        view: the current view.
        card: the comparison.
    """
    if card.champion is None:
        st.caption("Nothing serves, so there is nothing to differ from.")
        return
    found = session.compute(view, _differences, first=card.champion, second=card.challenger)
    external = "external" in {manifest_of(view.loop, version).kind for version in (card.champion, card.challenger)}
    if not found and not external:
        st.caption("Their manifests say the same in everything.")
    first, second = f"champion {short(card.champion)}", f"challenger {short(card.challenger)}"
    rows = [{"part": one.part, "what": one.name, first: one.first, second: one.second} for one in found]
    if rows:
        table(rows, "differences", alt="What differs between champion and challenger")
    if external:
        st.caption("Of an external model only its logged scores are known, so nothing is said of how it was made.")
    why(
        view,
        "What both manifests share is left out.",
        f"loop_core.models:what_differs(loop, {card.champion!r}, {card.challenger!r})",
        key="differs",
    )


def _differences(loop: Loop, as_of: object, *, first: str, second: str) -> tuple[Difference, ...]:
    return what_differs(loop, first, second)
