"""Where the whole says one thing and most of its parts another."""

from __future__ import annotations

from collections.abc import Sequence

from loop_core.compare.scorecard import Cell
from loop_core.vocabulary import Verdict

#: Values of a cohort, with a difference, from which "most" means something.
LEAST = 3


def reversals(cells: Sequence[Cell]) -> tuple[str, ...]:
    """One sentence for each metric and cohort where most values move against everybody's move.

    Such a whole is no good guide: it moves because groups differ in size or in level, not because people gain (Simpson
    1951). Signals are left out, and values with too few rows for a verdict are not counted.

    Args:
        cells: of a scorecard, everybody's first.
    """
    overall = {c.metric: c for c in cells if c.cohort is None and c.difference and c.block != "signal"}
    said = []
    for metric, whole in overall.items():
        for cohort in dict.fromkeys(c.cohort for c in cells if c.cohort is not None):
            parts = [c.difference for c in cells if c.metric == metric and c.cohort == cohort and _counts(c)]
            against = sum(part * (whole.difference or 0.0) < 0 for part in parts if part is not None)
            if len(parts) >= LEAST and against > len(parts) / 2:
                move = "gain" if (whole.difference or 0.0) > 0 else "lose"
                other = "lose" if move == "gain" else "gain"
                said.append(
                    f"Everybody together seems to {move} in {metric.replace('_', ' ')}, and {against} of {len(parts)} values"
                    f" of {cohort} {other}: look at them, not at the whole (Simpson's paradox)."
                )
    return tuple(said)


def _counts(cell: Cell) -> bool:
    return cell.difference is not None and cell.verdict is not Verdict.NOT_APPLICABLE
