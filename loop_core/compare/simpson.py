"""Where the whole says one thing and most of its parts another."""

from __future__ import annotations

from collections.abc import Sequence

from loop_core.compare.metrics import words_of
from loop_core.compare.scorecard import Cell
from loop_core.vocabulary import Verdict

#: Values of a cohort, with a difference, from which "most" means something.
LEAST = 3


def reversals(cells: Sequence[Cell]) -> tuple[str, ...]:
    """One sentence for each cohort of which most values move against everybody's move, with the metrics in which they do.

    Such a whole is no good guide to its parts. Of a mean over the same rows it moves with a few large groups; of a ranking or
    a ratio it may even move against all of them, because they differ in level (Simpson 1951). At least one value's interval
    must lie on the other side: between equal models most of a few values often move against the whole by chance.
    Signals are left out, and values with too few rows for a verdict are not counted.

    Args:
        cells: of a scorecard, everybody's first.
    """
    overall = {c.metric: c for c in cells if c.cohort is None and c.difference and c.block != "signal"}
    found: dict[tuple[str, bool], list[str]] = {}
    for metric, whole in overall.items():
        for cohort in dict.fromkeys(c.cohort for c in cells if c.cohort is not None):
            parts = [c for c in cells if c.metric == metric and c.cohort == cohort and _counts(c)]
            against = [c for c in parts if (c.difference or 0.0) * (whole.difference or 0.0) < 0]
            sure = sum((c.ci_low or 0.0) * (c.ci_high or 0.0) > 0 for c in against)
            if len(parts) >= LEAST and len(against) > len(parts) / 2 and sure:
                said = f"{words_of(metric)} {len(against)} of {len(parts)}, {sure} of them beyond chance"
                found.setdefault((cohort, (whole.difference or 0.0) > 0), []).append(said)
    return tuple(
        f"Everybody together seems to {'gain' if gains else 'lose'}, and most values of {cohort} {'lose' if gains else 'gain'}"
        f" ({'; '.join(said)}): look at them, not at the whole (Simpson's paradox)."
        for (cohort, gains), said in found.items()
    )


def _counts(cell: Cell) -> bool:
    return cell.difference is not None and cell.verdict is not Verdict.NOT_APPLICABLE
