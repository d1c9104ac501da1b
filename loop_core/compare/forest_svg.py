"""The forest of a comparison as an inline picture, for a file that stands alone: nothing is loaded, nothing runs."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from html import escape

from loop_core.compare.metrics import words_of
from loop_core.compare.scale import digits
from loop_core.compare.scorecard import Cell
from loop_core.vocabulary import MARKS, Verdict

#: Pixels: a line, the whole width, and where names, rows, values, bars and verdicts stand.
ROW, WIDTH = 26, 960
_NAME, _ROWS, _VALUES, _BARS, _WORDS = 240, 310, 450, (475, 810), 826
_TOP = 26
_CLASSES = {Verdict.BETTER: "good", Verdict.NOT_WORSE: "good", Verdict.WORSE: "bad"}
#: Letters of a name that fit.
_LETTERS = 34


def forest_svg(cells: Sequence[Cell]) -> str:
    """Inline SVG of one metric: a line a group in the order given, intervals around zero, the margin as a tick.

    Its colours are classes (`good`, `bad`, `mute`), which the page around it defines for light and dark.

    Args:
        cells: of one metric; at least one.
    """
    low, high = _domain(cells)

    def x(value: float) -> float:
        return _BARS[0] + (value - low) / (high - low) * (_BARS[1] - _BARS[0])

    height = _TOP + ROW * len(cells) + 44
    title = f"{words_of(cells[0].metric)}: challenger minus champion in {len(cells)} groups"
    parts = [
        f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(title)}"><title>{escape(title)}</title>',
        _text(_VALUES, _TOP - 10, "champion → challenger", "mute", "end"),
    ]
    for tick in _ticks(low, high):
        kind = "zero" if tick == 0 else "grid"
        parts.append(_line(x(tick), _TOP - 6, x(tick), height - 38, kind))
        parts.append(_text(x(tick), height - 22, f"{tick:+.3g}" if tick else "0", "mute", "middle"))
    parts.append(_text(sum(_BARS) / 2, height - 5, "difference to the champion; right: better", "mute", "middle"))
    for place, cell in enumerate(cells):
        parts += _row(cell, _TOP + ROW * place + ROW / 2, x)
    return "".join([*parts, "</svg>"])


def _row(cell: Cell, y: float, at: Callable[[float], float]) -> Iterator[str]:
    decimals = digits(cell)
    values = [f"{value:,.{decimals}f}" if value is not None else "–" for value in (cell.champion, cell.challenger)]
    name = cell.who if len(cell.who) <= _LETTERS else cell.who[: _LETTERS - 1] + "…"
    yield f"<g><title>{escape(f'{cell.who}: {MARKS[cell.verdict]}. {cell.method or cell.reason}')}</title>"
    yield _text(_NAME, y + 4, name, "name", "end")
    yield _text(_ROWS, y + 4, f"{cell.n:,}", "mute", "end")
    yield _text(_VALUES, y + 4, " → ".join(values), "", "end")
    kind = _CLASSES.get(cell.verdict, "mute")
    if cell.difference is not None:
        yield _line(at(-cell.margin), y - 7, at(-cell.margin), y + 7, "margin")
        if cell.ci_low is not None and cell.ci_high is not None:
            yield _line(at(cell.ci_low), y, at(cell.ci_high), y, f"bar {kind}")
        yield _mark(at(cell.difference), y, cell.verdict, kind)
    yield _text(_WORDS, y + 4, MARKS[cell.verdict], kind, "start")
    yield "</g>"


def _mark(x: float, y: float, verdict: Verdict, kind: str) -> str:
    if verdict is Verdict.WORSE:
        return f'<path class="dot {kind}" d="M{x:.1f} {y - 6:.1f}l6 11h-12z"/>'
    hollow = " hollow" if verdict is Verdict.INCONCLUSIVE else ""
    return f'<circle class="dot {kind}{hollow}" cx="{x:.1f}" cy="{y:.1f}" r="5"/>'


def _line(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    return f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def _text(x: float, y: float, words: str, kind: str, anchor: str) -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'


def _domain(cells: Sequence[Cell]) -> tuple[float, float]:
    ends = [0.0]
    for cell in cells:
        if cell.difference is not None:
            ends += [end for end in (cell.difference, cell.ci_low, cell.ci_high, -cell.margin) if end is not None]
    room = (max(ends) - min(ends)) * 0.04 or 1.0
    return min(ends) - room, max(ends) + room


def _ticks(low: float, high: float) -> list[float]:
    """Round numbers between two ends, zero among them.

    >>> _ticks(-0.021, 0.043)
    [-0.02, 0.0, 0.02, 0.04]
    """
    raw = (high - low) / 5
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= raw)
    return [round(k * step, 12) for k in range(math.ceil(low / step), math.floor(high / step) + 1)]
