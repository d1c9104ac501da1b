"""Parts of a comparison: what it opens with, its gates, its goals, the proposal it may lead to."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app import session
from app.actions import Form
from app.faults import boundary, plain
from app.numbers import apart
from app.overrides import override_lines, set_aside
from app.session import View
from app.widgets import acting, bounded, mark_of, moment, short, table
from loop_core.compare import Cell, GateResult, Override, Scorecard, load_scorecard, standing
from loop_core.compare.metrics import words_of
from loop_core.compare.scale import digits
from loop_core.compare.since import since_then
from loop_core.release import propose
from loop_core.signed import decimals, signed_difference
from loop_core.vocabulary import Verdict

BLOCKS = {"goal": "Goals", "guardrail": "Guardrails", "signal": "Signals, shown only"}
_GATES = {"passed": ("●", "blue"), "held": ("○", "gray"), "blocked": ("▲", "red")}
#: How a badge begins → its mark and colour.
_BADGES = {"Ship": ("●", "blue"), "Do not ship": ("▲", "red")}
_COLOURS = {Verdict.BETTER: "blue", Verdict.NOT_WORSE: "blue", Verdict.WORSE: "red"}
_NUMBERS = ("champion", "challenger", "difference", "95 % from", "to", "margin", "drawn to its kind")


def newest_card(view: View, challenger: str) -> Scorecard | None:
    """The newest comparison of a challenger with the model that serves, made up to the view's instant; else the newest with
    any; None: there is none."""
    made = view.loop.ledger.entries(loop=view.loop.name, kind="comparison.made", subject=challenger, until=view.as_of)
    champion = view.loop.champion(view.as_of)
    made.sort(key=lambda entry: entry.payload["champion"] == champion)
    return load_scorecard(view.loop, made[-1].payload["scorecard"]) if made else None


def former(card: Scorecard, champion: str | None) -> str:
    """What is wrong with a card that is not about the model that serves, as Markdown; empty: nothing.

    Args:
        card: the comparison.
        champion: version that serves; None: none does.
    """
    if card.champion == champion:
        return ""
    with_whom = f"with {plain(short(card.champion))}, which no longer serves" if card.champion else "with nobody"
    now = f"; {plain(short(champion))} serves now" if champion else ""
    return f"Compared {with_whom}{now}. Compare again."


def finding(card: Scorecard, champion: str | None) -> DeltaGenerator:
    """Badge with the next step, the sentence, and what they rest on; gives the place for what has changed since. A card about
    a model that no longer serves says so first, and proposes nothing."""
    if gone := former(card, champion):
        st.warning(gone)
    state, colour = next((both for words, both in _BADGES.items() if card.badge.startswith(words)), ("○", "gray"))
    first, stop, rest = card.sentence.partition(". ")
    with st.container(key="verdict", gap=None):
        st.markdown(f":{colour}-badge[{state} {plain(card.badge)}] {plain(first + stop.strip())}")
    with st.container(key="reading", gap=None):
        st.markdown(" ".join(part for part in (plain(rest), "" if gone else _next(card)) if part))
    with st.container(key="footnote", gap=None):
        st.markdown("  \n".join([rests_on(card), *map(plain, card.notes)]))
        return st.empty()


def changed_since(view: View, card: Scorecard, place: DeltaGenerator) -> None:
    """Say that the data or the charter changed since the card was stored. It reads the lake, so it comes last on a page.

    Args:
        view: the current view.
        card: the comparison.
        place: where it stands.
    """
    with boundary():
        changed = session.compute(view, since_then, scorecard=card.id).sentences
        if changed:
            offer = " “Compare again” computes it anew." if view.is_present and not view.presenting else ""
            place.markdown(f"○ **Stored on {moment(card.as_of)};** since then {plain('; '.join(changed))}.{offer}")


def _next(card: Scorecard) -> str:
    """What to do now: what the gate says that stands most in the way, or to propose."""
    in_order = sorted(
        (g for g in card.gates if g.state != "passed" and g.next_step), key=lambda g: g.state != "blocked"
    )
    step = in_order[0].next_step if in_order else "propose its release"
    return f"**Next: {plain(step)}.**"


def rests_on(card: Scorecard) -> str:
    """What the numbers of a card rest on, in one line."""
    span = f"{moment(card.window_start)} – {moment(card.window_end)}"
    champion = f"champion {plain(short(card.champion))} · challenger " if card.champion else ""
    models = f"{champion}{plain(short(card.challenger))}"
    return f"{span} · n = {card.n:,} · {models} · scorecard {card.id}"


def cells_table(cells: Sequence[Cell], key: str) -> None:
    """Cells as a table, in the order given."""
    rows = [_row(cell) for cell in cells]
    formats = apart(rows, _NUMBERS, width=90)
    counts = {name: st.column_config.NumberColumn(format="localized", width=90) for name in ("n", "rows needed")}
    day = {"decided": st.column_config.DatetimeColumn(format="D MMM YYYY", timezone="UTC", width=100)}
    table(rows, key, formats | counts | day, alt="Cells of the comparison")


def cells_panel(view: View, card: Scorecard) -> None:
    """Every group and metric as a table, the most harmed first."""
    order = sorted(
        card.cells, key=lambda c: (c.cohort is not None, c.block == "signal", (c.difference or 0.0) / c.margin)
    )
    cells_table(bounded(order, "all_cells", "cells"), "groups")


def blocks(card: Scorecard) -> None:
    """Goals, guardrails and signals over everybody, each block with its own heading."""
    for block, title in BLOCKS.items():
        overall = [cell for cell in card.cells if cell.block == block and cell.cohort is None]
        if overall:
            st.markdown(f"##### {title}")
            st.markdown("  \n".join(cell_line(cell) for cell in overall))


def cell_line(cell: Cell) -> str:
    """One cell in a line: metric, verdict, both values, difference with interval and margin."""
    mark, n = f":{_COLOURS.get(cell.verdict, 'gray')}[**{mark_of(cell.verdict)}**]", digits(cell)
    if cell.difference is None:
        alone = f" {cell.challenger:,.{n}f} ·" if cell.challenger is not None else ""
        return f"**{words_of(cell.metric)}** {mark} ·{alone} {plain(cell.reason)}"
    gain = signed_difference(cell.difference, cell.ci_low, cell.ci_high, number=decimals(n))
    return (
        f"**{words_of(cell.metric)}** {mark} · {cell.champion:,.{n}f} → {cell.challenger:,.{n}f} · "
        f"**{gain}** · margin {cell.margin:g}" + (f" · {cell.bounds}" if cell.bounds else "")
    )


def gates_list(gates: Sequence[GateResult], aside: Mapping[str, Override] | None = None, open_: bool = False) -> None:
    """Each gate: mark, name, why, and what to do next; those that were set aside say by whom and why. What stands in the
    way comes first; what passed is folded together, unless `open_`."""
    if not gates:
        st.caption("The charter declares no gate.")
    passed = [gate for gate in gates if gate.state == "passed"]
    for gate in sorted((gate for gate in gates if gate.state != "passed"), key=lambda gate: gate.state != "blocked"):
        st.markdown(_gate(gate))
        if aside and gate.name in aside:
            override_lines([aside[gate.name]])
    if passed and len(passed) < len(gates) and not open_:
        with st.expander(
            f"● {len(passed)} passed: {', '.join(plain(gate.name) for gate in passed)}", key="passed_gates"
        ):
            st.markdown("\n\n".join(map(_gate, passed)))
    else:
        for gate in passed:
            st.markdown(_gate(gate))


def _gate(gate: GateResult) -> str:
    mark, colour = _GATES[gate.state]
    step = f" :gray[Next: {plain(gate.next_step)}.]" if gate.next_step and gate.state != "passed" else ""
    return f":{colour}[**{mark} {gate.state}**] **{plain(gate.name)}** · {plain(gate.sentence)}{step}"


def propose_form(view: View, card: Scorecard, champion: str | None) -> None:
    """Offer the release of the challenger, unless a gate stands in the way or the comparison is out of date."""
    hindering = standing(view.loop.charter, card.gates, set_aside(view, card))
    if former(card, champion):
        st.caption("It is not about the model that serves, so nothing can be proposed from it.")
    elif hindering:
        names = ", ".join(plain(gate.name) for gate in hindering)
        st.caption(f"{names}: this keeps the challenger from being proposed.")
    elif acting(view):
        form = Form(view, card.id)
        st.text_input("Why release it?", key=form.key("propose_reason"), value=card.sentence)
        change = f"from {short(champion)} to {short(card.challenger)}" if champion else f"of {short(card.challenger)}"
        form.act(
            f"Propose its release {change}" if champion else "Propose its release", "propose", propose, card.challenger,
            fields={"reason": "propose_reason"}, scorecard=card.id,
        )  # fmt: skip


def panels(view: View, card: Scorecard, details: Mapping[str, Callable[[View, Scorecard], None]]) -> None:
    """Parts of a comparison as tabs; only the open one is made.

    Args:
        view: the current view.
        card: the comparison.
        details: title → what shows it.
    """
    if view.presenting:
        return
    for tab, show in zip(st.tabs(list(details), key="detail", bind="query-params"), details.values(), strict=True):
        if tab.open:
            with tab, boundary():
                show(view, card)


def _row(cell: Cell) -> dict[str, Any]:
    return {
        "verdict": mark_of(cell.verdict),
        "group": cell.who,
        "metric": words_of(cell.metric),
        "block": cell.block,
        "n": cell.n,
        "champion": cell.champion,
        "challenger": cell.challenger,
        "difference": cell.difference,
        "95 % from": cell.ci_low,
        "to": cell.ci_high,
        "drawn to its kind": cell.shrunk,
        "margin": cell.margin,
        "rows needed": cell.rows_needed,
        "decided": cell.decided_on,
        "note": "; ".join(filter(None, (cell.reason or cell.method, cell.bounds))),
    }
