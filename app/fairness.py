"""Fairness of a comparison: the gaps between groups of protected cohorts, and the rates that they rest on."""

from __future__ import annotations

from typing import Any

import streamlit as st

from app.drawn import draw
from app.faults import plain
from app.numbers import apart
from app.session import View
from app.widgets import mark_of, spaced, table, why
from loop_core.charts.fairness import group_rates
from loop_core.compare import Scorecard
from loop_core.compare.fairness_result import FairnessResult
from loop_core.vocabulary import Task

WORDS = """*Demographic parity*: how much oftener the model says yes to one group than to another. *Equalised odds*: how much oftener
it is right about the true ones, or wrong about the others, whichever gap is wider. Both between the two groups that are furthest
apart, at the operating point. A widest gap is a maximum: between equal groups it is above zero by chance, so its interval comes from
intersection bounds (Chernozhukov, Lee & Rosen 2013), rows added up within entities; it is honest there, and wide. The difference is
the champion's gap less the challenger's: up is good, the gap closes."""

_NUMBERS = ("gap, champion", "gap, challenger", "difference", "95 % from", "to", "margin")


def fairness_panel(view: View, card: Scorecard) -> None:
    """Every measure of every protected cohort, and one rate of one of them by group.

    Args:
        view: the current view.
        card: the comparison.
    """
    if not card.fairness:
        protected = any(cohort.protected for cohort in view.loop.charter.cohorts)
        st.markdown(
            "This comparison did not look at fairness; compare again."
            if protected and card.champion is not None
            else "A first release is compared with nobody, so there is no change of gaps."
            if protected
            else "No cohort is declared `protected = true` in the charter, so no gaps are looked at."
        )
        return
    st.markdown(plain(_said(view, card)))
    rows = [_row(one) for one in card.fairness]
    formats = apart(rows, _NUMBERS, width=95)
    table(rows, "fairness", formats, alt="Gaps between the groups of protected cohorts")
    _groups(view, card)
    why(view, WORDS, f"loop_core.compare:load_scorecard(loop, {card.id!r}).fairness", key="fairness")


def _said(view: View, card: Scorecard) -> str:
    """At which point yes is said, and whether the gaps hold a release."""
    first = card.fairness[0]
    at = (
        ""
        if first.threshold is None
        else f" “{view.loop.charter.loop.positive}” is said from a probability of {first.threshold:.3f} on."
    )
    if first.margin is None:
        return f"Shown only: the charter names no fairness_margin under [compare], so no gap holds a release.{at}"
    return f"A gap may widen by {first.margin:g}.{at}"


def _row(one: FairnessResult) -> dict[str, Any]:
    between = f"{one.most} – {one.least}" if one.challenger else ""
    return {
        "verdict": mark_of(one.verdict),
        "protected": spaced(one.cohort),
        "measure": one.words,
        "gap, champion": one.champion,
        "gap, challenger": one.challenger,
        "furthest apart": between,
        "difference": one.difference,
        "95 % from": one.ci_low,
        "to": one.ci_high,
        "margin": one.margin,
        "groups": one.groups or None,
        "note": "; ".join(filter(None, (one.reason, f"left out: {one.left_out}" if one.left_out else ""))),
    }


def _groups(view: View, card: Scorecard) -> None:
    cohorts = list(dict.fromkeys(one.cohort for one in card.fairness_rates))
    if not cohorts:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        cohort = st.segmented_control("Protected", cohorts, default=cohorts[0], key="fair_cohort", format_func=spaced, label_visibility="collapsed")  # fmt: skip
        rates = list(dict.fromkeys(one.rate for one in card.fairness_rates))
        rate = st.segmented_control("Rate", rates, default=rates[0], key="fair_rate", label_visibility="collapsed")
    shown = [one for one in card.fairness_rates if (one.cohort, one.rate) == (cohort or cohorts[0], rate or rates[0])]
    st.caption(plain(_meaning(view, rate or rates[0])))
    draw(group_rates(shown, share=view.loop.charter.loop.task is not Task.REGRESSION), key="fairness_groups")


def _meaning(view: View, rate: str) -> str:
    about = view.loop.charter.loop
    words = {
        "said yes": f"Share of the group that is told {about.positive}",
        "true positives": f"Share of those that were {about.positive} who are told so",
        "false positives": f"Share of those that were not {about.positive} who are told {about.positive}",
        "accuracy": "Share of the group whose class is told",
        "mean error": f"Predicted less what came, {about.unit or 'in the label’s unit'}",
        "absolute error": f"Distance of the prediction from what came, {about.unit or 'in the label’s unit'}",
    }
    return words.get(rate, f"Share of the group that is {rate}") + "."
