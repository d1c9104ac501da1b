"""The quarantine on a page: rules, their rows, and what can be done with a row."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from app.actions import act
from app.session import View
from app.widgets import WORST, acting, empty, moment, table
from loop_core.gates.quarantine import QuarantinedRow, dismiss, fix, list_rows, rule_counts
from loop_core.gates.replay import replay


def quarantine(view: View) -> None:
    """Rows by rule; select some to fix, replay or dismiss."""
    counts = rule_counts(view.loop, view.as_of)
    if not counts:
        empty(
            "The quarantine is empty", "Every row that arrived passed its gates, or was dealt with.", key="noquarantine"
        )
        return
    names = {f"{count.rule} · {count.rows:,}": count.rule for count in counts}
    chosen = st.pills(
        "Broken rule", list(names), default=next(iter(names)), key="rule", required=True, label_visibility="collapsed"
    )
    total = next(count.rows for count in counts if count.rule == names[str(chosen)])
    page = int(st.session_state.get("quarantine_page", 1))
    rows = list_rows(view.loop, rule=names[str(chosen)], offset=(page - 1) * WORST, limit=WORST)
    picked = table(
        [_row(row) for row in rows],
        f"quarantine_{names[str(chosen)]}_{page}",
        alt="Quarantined rows",
        on_select="rerun",
        selection_mode="multi-row",
    )
    if total > WORST:
        st.pagination(-(-total // WORST), key="quarantine_page")
    selected = [rows[index] for index in picked.selection.rows]
    if selected and acting(view):
        _actions(view, selected)
    elif not view.presenting:
        st.caption("Select rows to send them through the gates again, to correct one, or to dismiss them.")


def _row(row: QuarantinedRow) -> dict[str, object]:
    values = " · ".join(f"{name} {value}" for name, value in row.row.items() if value is not None)
    return {
        "signal": row.signal.value,
        "broke": ", ".join(_broken(row, rule) for rule in row.rules),
        "state": row.state,
        "arrived": moment(row.arrived_at),
        "row": values,
    }


def _broken(row: QuarantinedRow, rule: str) -> str:
    """A rule with the value that broke it, where the rule is about one column: price.min (-3)."""
    value = row.row.get(rule.partition(".")[0])
    return rule if value is None else f"{rule} ({value})"


def _actions(view: View, rows: Sequence[QuarantinedRow]) -> None:
    ids = [row.quarantine_id for row in rows]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        act(
            f"Replay {len(ids)}",
            "quarantine_replay",
            replay,
            view,
            ids,
            help="Through the gates again, under the charter now in force.",
        )
        reason = st.text_input("Reason", key="quarantine_reason", placeholder="why they shall never enter", width=320)
        act(
            f"Dismiss {len(ids)}",
            "quarantine_dismiss",
            dismiss,
            view,
            ids,
            reason=reason,
            kind="secondary",
            disabled=not reason.strip(),
        )
    if len(rows) == 1:
        _fix(view, rows[0])


def _fix(view: View, row: QuarantinedRow) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        column = st.selectbox(
            "Correct", [name for name in row.row if not name.startswith("_")], key="fix_column", width=200
        )
        value = st.text_input(
            "New value", key=f"fix_value_{column}", value=str(row.row.get(str(column)) or ""), width=200
        )
        act(
            "Save",
            "quarantine_fix",
            fix,
            view,
            row.quarantine_id,
            {str(column): value or None},
            reason="corrected on the page",
            kind="secondary",
        )
