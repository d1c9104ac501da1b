"""The quarantine on a page: rules, their rows, and what can be done with a row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from app.actions import Form
from app.faults import plain
from app.session import View
from app.widgets import WORST, acting, empty, moment, table
from loop_core.gates.quarantine import QuarantinedRow, dismiss, fix, list_rows, rule_counts
from loop_core.gates.replay import replay
from loop_core.monitor.intake import BatchLine
from loop_core.workspace import Loop


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
        "Broken rule",
        list(names),
        default=next(iter(names)),
        key="rule",
        required=True,
        label_visibility="collapsed",
        format_func=plain,
    )
    total = next(count.rows for count in counts if count.rule == names[str(chosen)])
    page = int(st.session_state.get("quarantine_page", 1))
    rows = list_rows(view.loop, rule=names[str(chosen)], offset=(page - 1) * WORST, limit=WORST)
    picked = table(
        [_row(row) for row in rows],
        # A selection is a list of places: in a table of other rows it would be of other rows.
        Form(view, rows).key(f"quarantine_{names[str(chosen)]}_{page}"),
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


def stopped_rows(view: View, arrived: Sequence[BatchLine]) -> None:
    """Rows of a delivery that was stopped as a whole, those first that failed a rule."""
    stopped = {f"{b.source} · {moment(b.arrived_at, clock=True)}": b for b in arrived if b.state == "stopped"}
    if not stopped or view.presenting:
        return
    with st.expander("Rows of a stopped delivery", icon=":material/block:"):
        chosen = stopped[str(st.selectbox("Delivery", list(stopped), key="stopped_batch"))]
        st.caption(f"None of its {chosen.received:,} rows entered: {plain(chosen.notes)}")
        rows = list_rows(view.loop, batch=chosen.batch_id, state="stopped", limit=WORST)
        shown = [{name: value for name, value in _row(row).items() if name != "state"} for row in rows]
        if shown:
            table(shown, "stopped_rows", alt="Rows of a stopped delivery")
        else:
            st.caption("None of its rows was kept; bring the file in again to look at some.")


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
    ids, form = [row.quarantine_id for row in rows], Form(view, rows)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        form.act(
            f"Replay {len(ids)}", "quarantine_replay", replay, ids,
            help="Through the gates again, under the charter now in force.",
        )  # fmt: skip
        reason = st.text_input(
            "Reason", key=form.key("quarantine_reason"), placeholder="why they shall never enter", width=320
        )
        form.act(
            f"Dismiss {len(ids)}", "quarantine_dismiss", dismiss, ids, fields={"reason": "quarantine_reason"},
            type="secondary", disabled=not reason.strip(),
        )  # fmt: skip
    if len(rows) == 1:
        _fix(view, rows[0])


def _fix(view: View, row: QuarantinedRow) -> None:
    columns = [name for name in row.row if not name.startswith("_")]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        column = str(st.selectbox("Correct", columns, key=Form(view, row).key("fix_column"), width=200))
        form, before = Form(view, row, column), str(row.row.get(column) or "")
        st.text_input("New value", key=form.key("fix_value"), value=before, width=200)
        form.act(
            f"Change {column} from {before or 'nothing'}", "quarantine_fix", _fix_column, row.quarantine_id, column,
            fields={"value": "fix_value"}, type="secondary",
        )  # fmt: skip


def _fix_column(loop: Loop, quarantine_id: str, column: str, *, value: str, **named: Any) -> None:
    fix(loop, quarantine_id, {column: value or None}, reason="corrected on the page", **named)
