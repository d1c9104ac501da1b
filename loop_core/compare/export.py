"""A scorecard as one HTML file that loads nothing: to read, to print, to send, to keep beside a decision."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import Any

from loop_core.compare.forest_svg import forest_svg
from loop_core.compare.html_table import Figure, flat, table
from loop_core.compare.metrics import words_of
from loop_core.compare.overrides import overrides_of
from loop_core.compare.scale import digits
from loop_core.compare.scorecard import Cell, Scorecard
from loop_core.frames import to_rows
from loop_core.models import what_differs
from loop_core.signed import decimals, signed_difference
from loop_core.vocabulary import MARKS
from loop_core.workspace import Loop

#: Groups in one picture; what is left out is counted.
LINES = 40
_BLOCKS = {"goal": "Goals", "guardrail": "Guardrails", "signal": "Signals, shown only"}
_STATES = {"passed": ("good", "●"), "held": ("mute", "○"), "blocked": ("bad", "▲")}
#: Nothing may be loaded or run, whatever a value of a cohort says.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
_STYLE = """
:root{color-scheme:light dark;--ground:#fcfcfb;--text:#1d252c;--mute:#66707a;--line:#d9dee2;--good:#1f6fa8;--bad:#b8430f}
@media (prefers-color-scheme:dark){:root{--ground:#14181c;--text:#e6eaed;--mute:#9aa4ae;--line:#333b43;--good:#6ab0e6;--bad:#f08a5a}}
@media print{:root{color-scheme:light;--ground:#fff;--text:#000;--mute:#555;--line:#ccc;--good:#1f6fa8;--bad:#b8430f}
 body{padding:0;font-size:11px}h2{break-after:avoid}svg,tr{break-inside:avoid}}
body{background:var(--ground);color:var(--text);font:15px/1.5 system-ui,sans-serif;max-width:1080px;margin:0 auto;padding:2rem}
h1{font-size:1.5rem;margin:.2rem 0}h2{font-size:1.1rem;margin:2rem 0 .5rem}.lead{font-size:1.15rem;font-weight:560}
.badge{display:inline-block;border:2px solid;border-radius:6px;padding:.1rem .7rem;font-weight:650}
.mute{color:var(--mute);fill:var(--mute)}.good{color:var(--good);fill:var(--good);stroke:var(--good)}
.bad{color:var(--bad);fill:var(--bad);stroke:var(--bad)}
.scroll{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:.87rem;font-variant-numeric:tabular-nums}
th,td{text-align:left;padding:.28rem .7rem .28rem 0;border-bottom:1px solid var(--line);vertical-align:top}
th{font-weight:600;color:var(--mute)}td.number,th.number{text-align:right;white-space:nowrap}td.state{white-space:nowrap}
svg{width:100%;height:auto;font-size:12.5px}svg text{fill:var(--text);stroke:none}svg text.mute{fill:var(--mute)}
svg text.good{fill:var(--good);stroke:none}svg text.bad{fill:var(--bad);stroke:none}svg .bar{stroke-width:2.5}svg .bar.mute,svg .dot.mute{stroke:var(--mute)}
svg .grid{stroke:var(--line)}svg .zero{stroke:var(--mute);stroke-width:1.5}svg .margin{stroke:var(--mute);stroke-width:2}
svg .hollow{fill:var(--ground);stroke-width:2}
"""


def scorecard_html(loop: Loop, card: Scorecard) -> str:
    """The whole comparison in one file without script, link or picture from elsewhere, in light, dark and on paper.

    Every value is escaped: cohort values are whatever somebody's data says.

    Args:
        loop: of the card; says what was set aside, and how the two models differ.
        card: a stored comparison, or one that is not on record.
    """
    title = f"{loop.charter.loop.title}: {card.challenger} against {card.champion or 'nobody'}"
    body = "\n".join(_body(loop, card, title))
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        f'<meta name="viewport" content="width=device-width">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>\n<body>\n{body}\n</body></html>\n"
    )


def _body(loop: Loop, card: Scorecard, title: str) -> Iterator[str]:
    yield f'<p class="mute">{escape(title)}</p>'
    first, stop, rest = card.sentence.partition(". ")
    yield f'<h1><span class="badge">{escape(card.badge)}</span></h1><p class="lead">{escape(first + stop.strip())}</p>'
    yield f"<p>{escape(rest)}</p>"
    yield f'<p class="mute">{escape(_rests_on(card))}</p>'
    yield from (f"<p>{escape(note)}</p>" for note in card.notes)
    yield from _forests(card)
    yield from _gates(loop, card)
    yield from _blocks(card)
    yield from _differences(loop, card)
    for name, found in card.further.items():
        yield f"<h2>{escape(name.replace('_', ' ').capitalize())}</h2>"
        yield table([flat(row) for row in to_rows(found)])
    yield "<h2>Every group and metric</h2>"
    yield table([_cell(cell) for cell in card.cells])
    yield f'<p class="mute">{escape(_footer(card))}</p>'


def _rests_on(card: Scorecard) -> str:
    return (
        f"{card.n:,} rows predicted {card.window_start:%Y-%m-%d} to {card.window_end:%Y-%m-%d}, known as of {card.as_of:%Y-%m-%d}."
        f" {card.proof}."
    )


def _footer(card: Scorecard) -> str:
    return (
        f"Scorecard {card.id or 'not stored'} · charter {card.charter_hash[:12]} · lake snapshot {card.snapshot}. Differences are those"
        " of the challenger to the champion; their intervals are of 95 %. Better: the interval lies above zero; not worse: above minus"
        " the margin; worse: below zero; undecided: more rows are needed."
    )


def _forests(card: Scorecard) -> Iterator[str]:
    for metric in dict.fromkeys(cell.metric for cell in card.cells if cell.block != "signal"):
        mine = [cell for cell in card.cells if cell.metric == metric and cell.block != "signal"]
        if all(cell.difference is None for cell in mine):
            continue
        # As on the page: everybody, then the most harmed first; what decides nothing stands in the table alone.
        order = sorted(mine, key=lambda c: (c.cohort is not None, c.difference is None, c.difference or 0.0))
        yield f"<h2>Who gains, who loses: {escape(words_of(metric))}</h2>{forest_svg(order[:LINES])}"
        if len(order) > LINES:
            yield f'<p class="mute">The {LINES} most harmed of {len(order):,} groups; the table below has them all.</p>'


def _gates(loop: Loop, card: Scorecard) -> Iterator[str]:
    aside = overrides_of(loop, card.id) if card.id else {}
    yield "<h2>Gates of the release</h2><table>"
    for gate in card.gates:
        kind, mark = _STATES[gate.state]
        said = [gate.sentence, f"Next: {gate.next_step}" if gate.next_step and gate.state != "passed" else ""]
        if gate.name in aside:
            said.append(aside[gate.name].sentence)
        text = "<br>".join(escape(one) for one in said if one)
        yield f'<tr><td class="state {kind}">{mark} {escape(gate.state)}</td><td>{escape(gate.name)}</td><td>{text}</td></tr>'
    yield "</table>"


def _blocks(card: Scorecard) -> Iterator[str]:
    for block, title in _BLOCKS.items():
        overall = [cell for cell in card.cells if cell.block == block and cell.cohort is None]
        if overall:
            yield f"<h2>{title}</h2>"
            yield table([{k: v for k, v in _cell(cell).items() if k not in ("group", "block")} for cell in overall])


def _differences(loop: Loop, card: Scorecard) -> Iterator[str]:
    found = what_differs(loop, card.champion, card.challenger) if card.champion else ()
    if found:
        yield "<h2>What differs between the two</h2>"
        yield table([{"part": d.part, "what": d.name, "champion": d.first, "challenger": d.second} for d in found])


def _cell(cell: Cell) -> dict[str, Any]:
    number = decimals(digits(cell))

    def figure(value: float | None) -> Figure | None:
        return None if value is None else Figure(f"{value:,.{digits(cell)}f}")

    return {
        "group": cell.who,
        "metric": words_of(cell.metric),
        "block": cell.block,
        "verdict": MARKS[cell.verdict],
        "n": cell.n,
        "champion": figure(cell.champion),
        "challenger": figure(cell.challenger),
        "difference": None
        if cell.difference is None
        else Figure(signed_difference(cell.difference, cell.ci_low, cell.ci_high, number=number)),
        "missing labels": cell.bounds or None,
        "drawn to its kind": None if cell.shrunk is None else Figure(signed_difference(cell.shrunk, number=number)),
        "margin": cell.margin,
        "rows needed": cell.rows_needed,
        "by": cell.decided_on,
        "how": cell.reason or cell.method,
    }
