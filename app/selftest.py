"""How good the gates are: the newest self-test of the loop, and a button that runs one."""

from __future__ import annotations

import streamlit as st

from app import session
from app.actions import Form
from app.faults import plain
from app.session import View
from app.widgets import moment, spaced, table, why
from loop_core.compare import latest_selftest

WORDS = """Equal models are made of the champion and the challenger by exchanging their answers with a coin; a gate that blocks them is
wrong. Harm is planted in one cohort value at a time, by noise on the scores; a gate that lets it through is wrong too."""


def selftest_line(view: View) -> None:
    """What these gates are worth, in a sentence beside what they say."""
    found = session.compute(view, latest_selftest)
    st.markdown("##### How good are these gates?")
    offer = "." if view.presenting else "; the last tab below does."
    st.markdown(plain(found.sentence) if found else f"Nobody has tried them on this loop yet{offer}")


def selftest_panel(view: View, challenger: str) -> None:
    """What these gates do to equal and to harmed models, beside the verdict they led to.

    Args:
        view: the current view.
        challenger: whose differences from the champion a new test would take.
    """
    found = session.compute(view, latest_selftest)
    with st.container(key="selftest"):
        if found is None:
            st.caption("Not tried yet: how often do they block equal models, and which harm do they see?")
        else:
            st.markdown(plain(found.sentence))
            changed = "" if found.charter_hash == view.loop.charter.hash else " The charter has changed since."
            st.caption(f"Tried on {found.n:,} rows as of {moment(found.as_of)}.{changed}")
        with st.container(horizontal=True, vertical_alignment="center"):
            if view.is_present and not view.presenting:
                form, of = Form(view, challenger), {"challenger": challenger}
                form.start(
                    "Try the gates", "selftest_run", "selftest", of, type="secondary", icon=":material/experiment:"
                )
            why(view, WORDS, "loop_core.compare:latest_selftest(loop, as_of)", key="selftest")
        if found is not None and found.harms:
            rows = [
                {
                    "cohort": spaced(one.cohort),
                    "value": one.cohort_value,
                    "n": one.n,
                    "harm, margins": one.margins,
                    f"harm, {spaced(one.metric)}": one.harm,
                    "blocked": one.blocked,
                    "let through": one.let_through,
                }
                for one in found.harms
            ]
            share = st.column_config.ProgressColumn(format="percent", min_value=0, max_value=1)
            with st.expander("Every harm that was planted", key="selftest_harms"):
                table(rows, "selftest_table", {"blocked": share, "let through": share}, "Planted harms", height=320)
