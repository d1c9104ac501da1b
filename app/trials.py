"""The trials of a retrain while it runs, and of the last one when none does."""

from __future__ import annotations

import streamlit as st

from app.drawn import draw
from app.faults import boundary
from app.numbers import apart
from app.session import View
from app.widgets import empty, moment, table, why
from loop_core import charts
from loop_core.clock import instant
from loop_core.figures import numbers_apart
from loop_core.jobs import JobView, list_jobs
from loop_core.retrain import Budget, LiveSearch, live_search

SHOWN = 8


@st.fragment(run_every=2.5)
def trials_panel(view: View) -> None:
    """History, best so far and what mattered, of the newest retrain job; refreshed while the page is open."""
    with boundary():
        job = next((job for job in list_jobs(view.loop.workspace, loop=view.loop.name) if job.kind == "retrain"), None)
        if job is None:
            return
        st.markdown("##### Trials")
        as_of, (seed, budget) = instant(job.params["as_of"]), _asked(view, job)
        search = live_search(view.loop, as_of, seed=seed, budget=budget)
        if search is None or not search.trials:
            empty("No trial yet", "Trials of the retrain above appear here one by one.", key="notrials")
            return
        best = search.best
        values = [value for value in (best and best.value, search.champion_value) if value is not None]
        told = iter(numbers_apart(*values, digits=5))
        said = f"best objective **{next(told)}** in trial {best.number}" if best else "no trial is complete yet"
        against = f", the champion's parameters {next(told)}" if search.champion_value is not None else ""
        st.markdown(
            f"{len(search.trials)} trials of the retrain of {moment(job.created_at, clock=True)}: {said}{against}."
        )
        left, right = st.columns(2, gap="large")
        with left:
            draw(charts.trial_history(search), key="trial_history")
        with right:
            if search.importance:
                draw(charts.parameter_importance(search.importance), key="trial_importance")
            else:
                st.caption("Which parameters matter can be told from six complete trials on.")
        _best(search)
        why(
            view,
            "Lower is better: mean fold loss plus λ times the worst declared cohort's. The first trial has the champion's "
            "parameters, or the default ones where there is no champion that tells them; a trial is given up when its "
            "first folds are worse than the median so far.",
            f"loop_core.retrain:Budget,live_search(loop, as_of, seed={seed}, budget={budget!r})",
            key="trials",
            as_of=as_of,
        )


def _asked(view: View, job: JobView) -> tuple[int, Budget]:
    """Seed and budget of the search that a job runs."""
    plan, asked = view.loop.charter.retrain, job.params
    budget = Budget(int(asked.get("trials", plan.trials)), float(asked.get("seconds", plan.seconds)))
    return int(asked.get("seed", 0)), budget


def _best(search: LiveSearch) -> None:
    """The best trials with their parameters, and those that failed with the reason."""
    complete = sorted((t for t in search.trials if t.value is not None), key=lambda t: (t.state != "complete", t.value))
    failed = [trial for trial in search.trials if trial.state == "fail"]
    rows = [
        {"trial": t.number, "state": t.state, "objective": t.value, "seconds": t.seconds, **t.params, "why": t.reason}
        for t in [*complete[:SHOWN], *failed]
    ]
    number = st.column_config.NumberColumn
    table(
        rows,
        "trials",
        apart(rows, ("objective",), least=5, down=True) | {"seconds": number(format="%.1f")},
        "Best trials",
    )
