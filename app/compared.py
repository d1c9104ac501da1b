"""Which comparison a page is about: challenger, metric, scale; and what it says while there is none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from app.actions import Form
from app.jobs import job_list
from app.scorecards import newest_card
from app.session import View
from app.widgets import empty, labelled, short, spaced, verdict, why
from loop_core.compare import Scorecard
from loop_core.compare.export import scorecard_html
from loop_core.compare.scale import SCALES, Scale
from loop_core.jobs import list_jobs
from loop_core.vocabulary import State

#: Jobs that this page starts.
KINDS = ("compare", "rivals", "tradeoff", "selftest")
HOW = """Both models score the same rows, which neither has seen and whose label horizon has passed. Up is good for the challenger.
*Better*: the interval lies above zero; *not worse*: above minus the margin; *worse*: below zero;
*undecided*: more rows are needed. *Relative* is the difference over the champion's value, which counts as known; *weekly* is
the difference times the group's predictions a week."""


@dataclass(frozen=True)
class Compared:
    """What was chosen."""

    challenger: str
    card: Scorecard | None
    """Its newest comparison; None: it was not compared yet."""
    metric: str
    """Empty: there is no card, or it has no cell."""
    scale: Scale

    @property
    def asked(self) -> tuple[object, ...]:
        """The same, the same charts."""
        return self.card.id if self.card else "", self.metric, self.scale


def choices(view: View, challengers: Sequence[str]) -> Compared:
    """Pickers of challenger, metric and scale, and the verbs: compare, take away, ask how."""
    with st.container(horizontal=True, key="side_choices", vertical_alignment="center"):
        challenger = str(labelled("challenger", "Challenger", challengers, "challenger", 165, format_func=short))
        card = newest_card(view, challenger)
        metrics = list(dict.fromkeys(cell.metric for cell in card.cells)) if card else []
        metric = str(labelled("metric", "Metric", metrics, "metric", 150, format_func=spaced)) if metrics else ""
        scale: Scale = SCALES[0]
        if metrics:
            chosen = st.segmented_control(
                "Scale", SCALES, default=SCALES[0], key="scale", bind="query-params", required=True,
                label_visibility="collapsed",
            )  # fmt: skip
            scale = chosen if chosen in SCALES else SCALES[0]
        _verbs(view, challenger, card)
    return Compared(challenger, card, metric, scale)


def not_compared(view: View, chosen: Compared) -> None:
    """What stands in place of a comparison that is not there: the next step, or how far it is."""
    serving = view.loop.champion(view.as_of)
    note = f"Champion {short(serving)}" if serving else "No model serves yet: this would be a first release."
    if _running(view, chosen.challenger):
        verdict(f"{short(chosen.challenger)} is being compared.", State.PENDING, note)
    else:
        verdict("Not compared yet.", State.PENDING, note)
        empty("No comparison", "“Compare now” scores the same rows with both models; it takes some seconds.")
    job_list(view, kinds=KINDS)


def _verbs(view: View, challenger: str, card: Scorecard | None) -> None:
    if view.presenting:
        return
    running = view.is_present and _running(view, challenger)
    said = "Comparing …" if running else "Compare again" if card else "Compare now"
    if view.is_present:
        form = Form(view, challenger, view.loop.champion(view.as_of))
        form.start(
            said, "compare", "compare", {"challenger": challenger}, type="secondary", icon=":material/compare_arrows:",
            disabled=running,
        )  # fmt: skip
    if card is not None:
        st.download_button(
            "HTML", lambda: scorecard_html(view.loop, card), f"{card.loop}-{challenger}-{card.id}.html", "text/html",
            key="export", icon=":material/download:", on_click="ignore",
            help="The whole comparison as one file, to read, print or send; it loads nothing.",
        )  # fmt: skip
    against = f", against={card.champion!r}" if card is not None and card.champion else ""
    # Which rows were compared may have been asked for; a comparison that is not there yet takes what there is.
    since = f", since=instant({card.window_start.isoformat()!r})" if card is not None else ""
    call = f"loop_core.compare:compare(loop, {challenger!r}{against}, as_of=as_of{since}, record=False)"
    why(view, HOW, call, as_of=card.as_of if card else None)


def _running(view: View, challenger: str) -> bool:
    jobs = list_jobs(view.loop.workspace, loop=view.loop.name)
    return any(job.open and job.kind == "compare" and job.params.get("challenger") == challenger for job in jobs)
