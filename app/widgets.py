"""What pages show things with: a verdict first, then chips, tables, footnotes; and empty states that say the next step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import streamlit as st

from app.faults import plain
from app.session import View
from loop_core.charts import short as short
from loop_core.spreadsheet import as_text
from loop_core.vocabulary import MARKS, State, Verdict

#: State or verdict → badge colour; the mark beside it says the same in shape and word.
_COLOURS = {
    State.OK: "blue",
    State.WATCH: "orange",
    State.ALARM: "red",
    State.PENDING: "gray",
    State.TOO_FEW: "gray",
    State.NOT_APPLICABLE: "gray",
    Verdict.BETTER: "blue",
    Verdict.NOT_WORSE: "blue",
    Verdict.WORSE: "red",
    Verdict.INCONCLUSIVE: "gray",
}
#: A list shows this many rows until somebody asks for all.
WORST = 15
EVERYBODY = "everybody"
_ORDER = (State.ALARM, State.WATCH, State.PENDING, State.TOO_FEW, State.OK, State.NOT_APPLICABLE)


def verdict(sentence: str, state: str | None = None, note: str = "") -> None:
    """The sentence a page opens with, with its mark; beneath it, small, what the numbers rest on."""
    mark = f":{_COLOURS[state]}[{mark_of(state)}] · " if state is not None else ""  # type: ignore[index]
    with st.container(key="verdict", gap=None):
        st.markdown(mark + plain(sentence))
    if note:
        with st.container(key="footnote"):
            st.markdown(plain(note))


def chip(state: str, help: str | None = None) -> None:
    """A state as shape, word and colour."""
    st.badge(mark_of(state), color=_COLOURS.get(state, "gray"), help=help)  # type: ignore[call-overload]


def mark_of(state: str | None) -> str:
    """Shape and word: ▲ alarm."""
    return MARKS.get(str(state), f"○ {state}" if state else "–")


def worst(states: Sequence[str]) -> State:
    """The state that stands for several: the loudest one."""
    return next((state for state in _ORDER if state in states), State.PENDING)


def moment(instant: datetime | None, clock: bool = False) -> str:
    """12 Feb 2018, or 12 Feb 2018, 14:05 UTC."""
    if instant is None:
        return "–"
    return f"{instant.day} {instant:%b %Y}" + (f", {instant:%H:%M} UTC" if clock else "")


def spaced(name: str) -> str:
    """A name as words: log loss."""
    return name.replace("_", " ")


def counted(n: int, one: str, many: str | None = None) -> str:
    """1 loop, 2,000 loops."""
    return f"{n:,} {one if n == 1 else many or one + 's'}"


def empty(
    title: str,
    sentence: str,
    action: str | None = None,
    to: str | None = None,
    on_click: Callable[[], None] | None = None,
    key: str = "empty",
) -> None:
    """An empty state: what is missing, and the next step as a button (a page of the app, or a callback)."""
    from app.navigation import go

    with st.container(key=f"emptystate_{key}"):
        st.markdown(f"#### {plain(title)}")
        st.markdown(sentence)
        pressed = action is not None and st.button(action, key=f"{key}_next", type="primary", on_click=on_click)
        if pressed and to is not None:
            go(to)


def cohort_picker(view: View) -> str | None:
    """By which declared cohort to cut; None: not at all."""
    names = [EVERYBODY, *(cohort.name for cohort in view.loop.charter.cohorts)]
    chosen = labelled("cut by", "Cut by", names, key="cohort", width=210)
    return None if chosen == EVERYBODY else str(chosen)


def labelled(words: str, label: str, options: Sequence[Any], key: str, width: int, index: int = 0, **more: Any) -> Any:
    """A selectbox with its words before it on the same line, kept in the URL as it is shown."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small", width="content"):
        st.markdown(words, width="content")
        return st.selectbox(
            label, options, index, key=key, bind="query-params", width=width, label_visibility="collapsed", **more
        )


def bounded(rows: Sequence[Any], key: str, what: str = "rows") -> Sequence[Any]:
    """The first `WORST` rows, and all of them once somebody asked."""
    if len(rows) <= WORST or st.session_state.get("present"):
        return rows[:WORST]
    everything = st.toggle(f"All {len(rows):,} {what} (now the first {WORST})", key=f"all_{key}", bind="query-params")
    return rows if everything else rows[:WORST]


def table(
    rows: Sequence[dict[str, Any]], key: str, columns: dict[str, Any] | None = None, alt: str = "", **more: Any
) -> Any:
    """Rows as a table, columns in the order of the first row; returns the selection where `on_select` asks for one."""
    more.setdefault("height", "content" if len(rows) <= WORST else 560)
    shown = [{name: as_text(value) for name, value in row.items()} for row in rows]  # it can be saved as CSV
    return st.dataframe(
        shown, key=key, hide_index=True, column_config=columns, alt=alt or None, placeholder="–", **more
    )


def why(
    view: View,
    text: str,
    call: str,
    sql: str | None = None,
    key: str = "why",
    more: Callable[[], None] | None = None,
    as_of: datetime | None = None,
) -> None:
    """How a number was computed, as words, as SQL and as notebook code that gives the same numbers.

    `more` shows what takes longer to compute, once somebody opens it. `as_of` is when a result on record was made; None: the
    page computed it at the instant of the view.
    """
    if view.presenting:
        return
    asked = st.popover(
        "Why? · SQL · notebook", key=f"side_{key}", type="tertiary", icon=":material/help:", on_change="rerun" if more else "ignore",
    )  # fmt: skip
    with asked:
        st.markdown(text)
        if sql:
            st.caption(f"As SQL, for `loop sql {view.loop.name} '…' --as-of {(as_of or view.settled).isoformat()}`")
            st.code(sql, language="sql", height=220)
        st.caption("In a notebook")
        st.code(notebook(view, call, as_of), language="python")
        if more and asked.open:
            more()


def notebook(view: View, call: str, as_of: datetime | None = None) -> str:
    """Code that opens this loop at an instant, None: the one whose results the page shows, and makes a call.

    Args:
        view: the current view.
        call: `loop.champion(as_of)`, or with the module first `loop_core.monitor:drift_scores(loop, as_of)`; what its arguments
            need of that module stands before the function: `loop_core.retrain:Budget,live_search(loop, …, budget=Budget(…))`.
        as_of: UTC instant.
    """
    imports, said = "", call
    if ":" in call.split("(")[0]:
        module, said = call.split(":", 1)
        names = said.split("(")[0].split(",")
        imports, said = f"from {module} import {', '.join(names)}\n", said[said.index(names[-1] + "(") :]
    return "\n".join(
        (
            "from loop_core.clock import instant",
            f"from loop_core.workspace import Workspace\n{imports}",
            f"loop = Workspace.open({str(view.loop.workspace.path)!r}).loop({view.loop.name!r})",
            f"as_of = instant({(as_of or view.settled).isoformat()!r})",
            said,
        )
    )


def acting(view: View) -> bool:
    """Whether verbs may be offered; says why not, when somebody looks at the past."""
    if view.is_present or view.presenting:
        return not view.presenting
    st.info(
        f"You are looking at {moment(view.as_of)}. Go “back to the present” above to act.", icon=":material/history:"
    )
    return False
