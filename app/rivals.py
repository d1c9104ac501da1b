"""Several challengers at once, on the rows they share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from app import session
from app.actions import Form
from app.faults import plain
from app.numbers import apart
from app.session import View
from app.widgets import mark_of, moment, short, spaced, table, why
from loop_core.compare import Comparisons, Rival, Scorecard, latest_comparisons
from loop_core.compare.metrics import words_of
from loop_core.models import registered

#: So many groups are named; the comparison of two has them all.
NAMED = 2
WORDS = """All of them on the same rows whose label horizon has passed, which all scored and none has seen, against one baseline. The intervals of a
metric hold for all challengers at once, so that the best may be picked after looking: they are wider than those of one
comparison, by as much as the largest of several differences strays by chance, given how alike the challengers are (Dunnett);
metrics that are no means over rows are widened by Bonferroni's rule. *Alone* is the badge by metrics and cohorts. A release still
rests on the comparison of two above, which looks at slices, fairness and the contract too."""


def rivals_panel(view: View, card: Scorecard) -> None:
    """The newest comparison of several, and a button that makes one.

    Args:
        view: the current view.
        card: the comparison of two that is open; its baseline and challenger are offered first.
    """
    found = session.compute(view, latest_comparisons)
    if found is None:
        st.caption("No comparison of several yet: pick two challengers or more.")
    else:
        st.markdown(plain(found.sentence))
        span = f"{moment(found.window_start)} – {moment(found.window_end)}"
        st.caption(f"{span} · n = {found.n:,} · baseline {plain(short(found.baseline))} · as of {moment(found.as_of)}")
        _table(found)
    with st.container(horizontal=True, vertical_alignment="bottom", key="side_rivals_ask"):
        if view.is_present and not view.presenting:
            _ask(view, card)
        why(view, WORDS, _call(found, card), key="rivals", as_of=found.as_of if found else None)


def _ask(view: View, card: Scorecard) -> None:
    known = [model.version for model in reversed(registered(view.loop, view.as_of))]
    baseline = st.selectbox(
        "Baseline", known, _place(known, card.champion), key="rivals_baseline", format_func=short, width=170
    )
    others = [version for version in known if version != baseline]
    first = [version for version in [card.challenger, *others] if version != baseline]
    picked = st.multiselect(
        "Challengers", others, list(dict.fromkeys(first))[:3], key="rivals_picked", format_func=short, width=380
    )
    Form(view, baseline, picked).start(
        "Compare these", "rivals_run", "rivals", {"challengers": picked, "against": baseline}, type="secondary",
        icon=":material/compare_arrows:", disabled=not picked,
    )  # fmt: skip


def _place(known: list[str], version: str | None) -> int:
    return known.index(version) if version in known else 0


def _table(found: Comparisons) -> None:
    standing = {one.challenger: one for one in found.standings}
    rows = [_row(one, found, standing[one.challenger]) for one in found.rivals]
    formats = apart(rows, ("baseline", "value", "difference", "95 % from", "to", "margin"), width=90)
    table(rows, "rivals", formats, alt="Several challengers against one baseline")


def _row(one: Rival, found: Comparisons, standing: Any) -> dict[str, Any]:
    best = "★ best" if (one.challenger, one.metric) == (found.best, found.metric) else ""
    return {
        "": best,
        "challenger": short(one.challenger),
        "metric": words_of(one.metric),
        "verdict": mark_of(one.verdict),
        "difference": one.difference,
        "95 % from": one.ci_low,
        "to": one.ci_high,
        "baseline": one.baseline_value,
        "value": one.value,
        "margin": one.margin,
        "alone": standing.badge,
        "worse for": _worse(standing.worse),
        "note": one.reason or one.method,
    }


def _worse(groups: Sequence[str]) -> str:
    if not groups:
        return "nobody, as far as is shown"
    more = f" and {len(groups) - NAMED} more" if len(groups) > NAMED else ""
    return ", ".join(map(spaced, groups[:NAMED])) + more


def _call(found: Comparisons | None, card: Scorecard) -> str:
    versions = list(dict.fromkeys(one.challenger for one in found.rivals)) if found else [card.challenger]
    baseline = found.baseline if found else card.champion
    return f"loop_core.compare:compare_many(loop, {versions!r}, against={baseline!r}, as_of=as_of)"
