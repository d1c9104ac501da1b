"""The opening of the Drift page: what to compare and how, and the finding in one sentence."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import streamlit as st

from app import session
from app.faults import boundary, plain
from app.session import View
from app.widgets import cohort_picker, labelled, moment, spaced, verdict, why, worst
from loop_core.errors import LoopbenchError
from loop_core.monitor import METHODS, DriftScore, drift_scores, importance
from loop_core.monitor.drift import calibrate
from loop_core.monitor.drift.alarm_rule import AlarmRule
from loop_core.monitor.drift.titles import TITLES
from loop_core.monitor.profiles.reference import reference_span
from loop_core.vocabulary import State

WEEKS = (8, 12, 26, 52)
#: So many values of a cohort are offered; the largest ones.
VALUES = 12
LOUD = (State.WATCH, State.ALARM)
HOW = """Each window is cut into the bins of the reference and compared with it. A feature is over its threshold when it
moved further than quiet windows of as many rows do; thresholds are learned from the reference period so that the
charter's budget of false alarms holds over all features together. What is certain but smaller than the charter's
min_shift is no alarm. The folklore value is shown for orientation and
decides nothing. Features are ordered by drift × the champion's mean |SHAP| share."""


@dataclass(frozen=True)
class Asked:
    """What the pickers say."""

    weeks: int
    method: str
    cohort: str | None
    value: str | None
    share: float = 1.0
    """Share of the budget of false alarms that falls to this group."""

    @property
    def call(self) -> str:
        """The same for a notebook."""
        cohort = f", cohort={self.cohort!r}" if self.cohort else ""
        return f"loop_core.monitor:drift_scores(loop, as_of, weeks={self.weeks}{cohort}, method={self.method!r})"


def choices(view: View) -> tuple[Asked, list[DriftScore]]:
    """Pickers of windows, measure and cohort → what was asked for, and its scores."""
    with st.container(horizontal=True, key="side_choices", vertical_alignment="center"):
        weeks = labelled("windows", "Windows", WEEKS, key="weeks", width=90, index=1)
        method = labelled("by", "Measure", list(METHODS), key="method", width=230, format_func=_title)
        cohort = cohort_picker(view)
        asked = Asked(int(weeks), str(method), cohort, None)
        _how(view, asked)
    found = session.compute(view, drift_scores, weeks=asked.weeks, cohort=cohort, method=asked.method)
    if cohort is None or not found:
        return asked, found
    value = _value_picker(cohort, found)
    mine = [score for score in found if score.cohort_value == value]
    share = len(_judged(mine)) / max(1, len(_judged(found)))
    return Asked(asked.weeks, asked.method, cohort, value, share), mine


def finding(view: View, asked: Asked, scores: Sequence[DriftScore], order: Sequence[str]) -> None:
    """The newest window in one sentence, and beneath it what that rests on."""
    judged, now = _judged(scores), _newest(scores)
    if not judged:
        reason = next((score.reason for score in now if score.reason), "It has too few rows.")
        verdict(f"The newest window cannot be judged. {reason}", State.TOO_FEW, _rests_on(view, now))
        return
    drifted, moved = ([s.feature for s in judged if s.state is state] for state in (State.ALARM, State.WATCH))
    chance = AlarmRule.of_plan(view.loop.charter.monitor).per_window * asked.share
    also = f" · {len(moved)} moved beyond chance, too seldom or too little for an alarm" if moved else ""
    worst_one = next((feature for feature in order if feature in {*drifted, *moved}), None)
    verdict(
        f"{len(drifted)} of {len(judged)} features drifted (about {chance:.1g} expected by chance){also}"
        + (f" · worst: {worst_one}" if worst_one else ""),
        worst([score.state for score in judged]),
        _rests_on(view, now),
    )


def importance_of(view: View) -> Mapping[str, float]:
    """Feature → share of the champion's mean |SHAP|; empty where it cannot be known (no champion, or one from outside)."""
    try:
        return session.compute(view, importance) or {}
    except LoopbenchError:
        return {}


def false_alarms(view: View, method: str) -> None:
    """How many false alarms the thresholds let expect, and how many the quiet past had."""
    st.caption("False alarms")
    with boundary(), st.spinner("Counting the alarms of quiet pasts …"):
        found = session.compute(view, calibrate, method=method)
        st.markdown(plain(found.sentence))
        st.code(
            f"loop monitor calibrate {view.loop.name} --workspace {shlex.quote(str(view.loop.workspace.path))}",
            language="bash",
        )


def _newest(scores: Sequence[DriftScore]) -> list[DriftScore]:
    newest = max(score.window_start for score in scores)
    return [score for score in scores if score.window_start == newest]


def _judged(scores: Sequence[DriftScore]) -> list[DriftScore]:
    """Those of the newest window that say something."""
    return [score for score in _newest(scores) if score.value is not None and score.threshold is not None]


def _rests_on(view: View, now: Sequence[DriftScore]) -> str:
    start, end = now[0].window_start, now[0].window_end
    span = session.compute(view, reference_span)
    reference = f"reference {moment(span[0])} – {moment(span[1])}" if span else "reference"
    rows = f"n = {max(s.n_reference for s in now):,} / {max(s.n_current for s in now):,}"
    group = f" · {spaced(str(now[0].cohort))} {now[0].cohort_value}" if now[0].cohort else ""
    return f"{reference}, current {moment(start)} – {_last(view, end)} · {rows}{group}"


def _last(view: View, end: datetime) -> str:
    # A window that is not over yet ends now.
    return moment(min(end, view.as_of))


@st.fragment
def _how(view: View, asked: Asked) -> None:
    # By itself, so that the page stays as it is while false alarms are counted.
    why(view, HOW, asked.call, more=lambda: false_alarms(view, asked.method))


def _value_picker(cohort: str, scores: Sequence[DriftScore]) -> str | None:
    sizes = {score.cohort_value: score.n_reference for score in scores}
    values = sorted(sizes, key=lambda value: -sizes[value])[:VALUES]
    chosen = st.pills(
        cohort, values, default=values[0], key="value", bind="query-params", required=True,
        label_visibility="collapsed", format_func=plain,
    )  # fmt: skip
    return chosen if chosen in sizes else values[0]


def _title(method: str) -> str:
    return TITLES.get(method, method)
