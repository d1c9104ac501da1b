"""Policies tried on the past: the editor that starts a replay, and the results side by side."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import streamlit as st

from app.actions import Form, queue
from app.drawn import draw_once
from app.faults import boundary, plain
from app.jobs import job_list
from app.numbers import apart
from app.session import View, compute
from app.widgets import empty, labelled, moment, table, why
from loop_core import charts
from loop_core.clock import instant
from loop_core.policies import (
    PolicyReplay,
    PolicyRun,
    ReplayRequest,
    check_policy,
    list_replays,
    load_replay,
    parse_policy,
    policy_text,
)
from loop_core.replay import replayable
from loop_core.workspace import Loop

#: Name of what is written into the editor.
TRIED = "tried here"
_OWN, _OVER = "each week's own value", "so far, against never"


def replay_form(view: View) -> None:
    """The policy editor: triggers as in a charter, the span, and the button that starts the job."""
    with boundary():
        span = compute(view, replayable)
        if span is None:
            empty("No past to try it on", "Predictions must span more than one label horizon.", key="nospan")
            return
        form = Form(view, view.loop.charter.hash)
        with (
            st.expander("Try a policy on the past", icon=":material/science:", key="side_policy"),
            st.form(form.key("policy_form"), border=False),
        ):
            st.text_area(
                "Triggers, as in the charter", policy_text(view.loop.charter.triggers), height=210, key=form.key("policy_text"),
                help="The policy in force, never, every week and fixed schedules are replayed beside it.",
            )  # fmt: skip
            with st.container(horizontal=True, vertical_alignment="bottom"):
                for label, name, day in (("From", "policy_from", span[0]), ("To", "policy_to", span[1])):
                    st.date_input(label, day.date(), key=form.key(name), width=170, format="YYYY-MM-DD")
                form.act(
                    "Replay", "policy_start", _replay, view.present, button=st.form_submit_button, icon=":material/play_arrow:",
                    fields={"text": "policy_text", "start": "policy_from", "end": "policy_to"},
                )  # fmt: skip
        job_list(view, ("policies",))


def _replay(
    loop: Loop, present: datetime, *, text: str, start: date, end: date, actor: str, seen: int, **_: Any
) -> str:
    """Queue the replay; what is not valid is refused here, and costs nothing."""
    known = {"as_of": present.isoformat(), **requested(loop, present, text, start, end)}
    return queue(loop, "policies", known, actor=actor, seen=seen)


def requested(loop: Loop, present: datetime, text: str, start: date, end: date) -> dict[str, Any]:
    """Parameters of the job: the span, and the policy of the editor unless it is the one in force, which is replayed anyway.

    Raises:
        CharterError: the text is no policy, or one that could never fire in this loop.
        RefusedError: the span is none, or ends after the loop's present.
    """
    request, tried = ReplayRequest(instant(start), instant(end), present), parse_policy(TRIED, text)
    check_policy(loop.charter, tried)
    known = {TRIED: text} if tried.triggers != loop.charter.triggers else {}
    return {"policies": known, "start": request.start.isoformat(), "end": request.end.isoformat()}


def replays(view: View) -> None:
    """The results on file, the newest first."""
    with boundary():
        ids = list_replays(view.loop)
        if not ids:
            empty("No replay yet", "Nothing of it touches the loop: it only reads.", key="noreplay")
            return
        with st.container(horizontal=True, vertical_alignment="center"):
            chosen = labelled("result", "Result", ids, key="replay", width=180)
            shown = labelled("shown", "Shown", (_OVER, _OWN), key="policy_shown", width=230)
        found = load_replay(view.loop, chosen)
        _result(view, found, shown)


def _result(view: View, found: PolicyReplay, shown: str) -> None:
    st.markdown(plain(found.sentence))
    over = "never" if shown == _OVER else None
    draw_once(view, lambda: charts.policy_losses(found, over=over), key="policy_losses", of=(found.id, over))
    draw_once(view, lambda: charts.policy_retrains(found), key="policy_retrains", of=(found.id,))
    rows = [_row(run, found) for run in found.runs]
    columns = apart(rows, ("value",), down=True) | apart(rows, ("against the best fixed", "95 % from", "to"), sign="+")
    table(rows, "policies_table", columns, "Policies: retrains, cost, loss")
    st.caption(plain(f"{_span(found)} {' '.join(found.notes)}"))
    why(
        view,
        "At each evaluation a policy is told what was known then. Differences are per row, with steps as units of their error.",
        f'loop_core.policies:load_replay(loop, "{found.id}")',
        key="policies",
    )


def _row(run: PolicyRun, found: PolicyReplay) -> dict[str, Any]:
    return {
        "policy": f"{run.name} ★" if run.name == found.best_fixed else run.name,
        "retrains": len(run.retrains),
        "value": run.value,
        "against the best fixed": run.difference,
        "95 % from": run.ci_low,
        "to": run.ci_high,
        "rows": run.n,
        "s of fits": run.fit_seconds,
        "s granted": run.granted_seconds,
    }


def _span(found: PolicyReplay) -> str:
    return (
        f"{moment(found.start)} to {moment(found.end)}, asked every {found.every_days:g} days; labels as known on"
        f" {moment(found.as_of)}; {found.trees} trees, seed {found.seed}. ★ best fixed schedule in hindsight."
    )
