"""The one or two words over a comparison, with the next step they imply."""

from __future__ import annotations

import math
from collections.abc import Sequence

from loop_core.compare.gates import MIN_ROWS, undecided_cohorts
from loop_core.compare.scorecard import Cell, GateResult
from loop_core.compare.verdict import LONGEST_WAIT
from loop_core.vocabulary import Verdict

#: What a model is told by that has nothing to be compared with.
FIRST = "First release"


def badge(cells: Sequence[Cell], gates: Sequence[GateResult], n: int, days: float) -> str:
    """`Do not ship` (something is worse) · `No verdict` (the charter binds no metric) · `N days left` (not decided yet, at
    the present rate of rows) · `Undecided` (something binding cannot be estimated, or no number of rows is known to decide
    it) · `Ship` (better in a goal, no cohort undecided) · `Ready for review` (not worse; people weigh it) · `No data`.

    Args:
        cells, gates: of the scorecard.
        n: rows compared.
        days: length of the compared span.
    """
    if not n or all(cell.difference is None for cell in cells):
        return "No data"
    if any(gate.state == "blocked" for gate in gates):
        return "Do not ship"
    binding = [cell for cell in cells if cell.block != "signal"]
    if not binding:
        return "No verdict"
    if any(cell.cohort is None and cell.difference is None for cell in binding):
        return "Undecided"
    if any(gate.state == "held" for gate in gates):
        return _days_left(binding, undecided_cohorts(gates), n, days)
    wins = any(c.cohort is None and c.block == "goal" and c.verdict is Verdict.BETTER for c in binding)
    undecided = any(c.verdict is Verdict.INCONCLUSIVE for c in binding)
    return "Ship" if wins and not undecided else "Ready for review"


def _days_left(cells: Sequence[Cell], awaited: frozenset[str], n: int, days: float) -> str:
    waiting = [c for c in cells if c.verdict is Verdict.INCONCLUSIVE and (c.cohort is None or c.cohort in awaited)]
    if any(cell.rows_needed is None for cell in waiting):
        return "Undecided"
    # Rows of a group come at the group's own rate.
    left = math.ceil(max([(MIN_ROWS - n) * days / n, *((c.rows_needed or 0) * days / c.n for c in waiting)]))
    if left <= 0:
        return "Ready for review"
    if left > LONGEST_WAIT:
        return "Not decidable within a year"
    return f"{left:,} day{'' if left == 1 else 's'} left"
