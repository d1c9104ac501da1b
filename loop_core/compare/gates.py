"""The conditions of a release: enough rows, no goal or guardrail worse, no cohort worse."""

from __future__ import annotations

from collections.abc import Sequence

from loop_core.charter import Charter
from loop_core.compare.scorecard import Cell, GateResult, GateState
from loop_core.vocabulary import Verdict

#: A comparison with fewer rows is held: below this even the intervals are bootstrapped.
MIN_ROWS = 200
_STATES: dict[Verdict, GateState] = {
    Verdict.BETTER: "passed",
    Verdict.NOT_WORSE: "passed",
    Verdict.WORSE: "blocked",
    Verdict.INCONCLUSIVE: "held",
    Verdict.NOT_APPLICABLE: "held",
}
_SAID = {
    Verdict.BETTER: "better",
    Verdict.NOT_WORSE: "not worse",
    Verdict.WORSE: "worse",
    Verdict.INCONCLUSIVE: "undecided",
}


def evaluate_gates(
    charter: Charter, cells: Sequence[Cell], n: int, unproven: str | None = None
) -> tuple[GateResult, ...]:
    """Every gate's state. `worse` blocks; not knowing overall holds; not knowing in a cohort is said, not held.

    Args:
        charter: names the binding metrics.
        cells: of the scorecard.
        n: rows compared.
        unproven: the challenger's version where it does not say what it was trained on; None: it does.
    """
    binding = [metric.name for metric in charter.metrics if metric.block != "signal"]
    if not binding:
        return (
            GateResult(
                "metrics",
                "held",
                "The charter names no goal or guardrail metric, so there is no verdict.",
                "declare one under [[metrics]]",
            ),
        )
    overall = [_overall_gate(cell) for cell in cells if cell.cohort is None and cell.metric in binding]
    inside = [cell for cell in cells if cell.cohort is not None and cell.metric in binding]
    return (_rows_gate(n, unproven), *overall, *([_cohort_gate(inside)] if inside else []))


def _rows_gate(n: int, unproven: str | None) -> GateResult:
    if unproven:
        sentence = f"{unproven} does not say what it was trained on; these {n:,} rows may be among it."
        return GateResult("rows", "held", sentence, "ask its maker, and let people decide")
    if n >= MIN_ROWS:
        return GateResult("rows", "passed", f"{n:,} mature rows that the challenger has not seen.", "")
    return GateResult("rows", "held", f"{n:,} mature rows; a release asks for {MIN_ROWS}.", "wait for labels")


def _overall_gate(cell: Cell) -> GateResult:
    name, state = f"{cell.metric} overall", _STATES[cell.verdict]
    if cell.difference is None:
        return GateResult(name, "held", f"Not estimable: {cell.reason}.", "wait for labels of both classes")
    numbers = f"{cell.difference:+.4f} [{cell.ci_low:+.4f}, {cell.ci_high:+.4f}] against a margin of {cell.margin:g}"
    sentence = f"{_SAID.get(cell.verdict, cell.reason).capitalize()}: {numbers}, n = {cell.n:,}."
    steps = {
        "passed": "",
        "blocked": "do not release; look at the cohorts that lose",
        "held": f"wait for about {cell.rows_needed or 0:,} more rows",
    }
    return GateResult(name, state, sentence, steps[state])


def _cohort_gate(cells: Sequence[Cell]) -> GateResult:
    worse = [cell for cell in cells if cell.verdict is Verdict.WORSE]
    if worse:
        named = "; ".join(
            f"{c.cohort} {c.cohort_value} {c.metric} {c.difference:+.4f} (n = {c.n:,})" for c in worse[:5]
        )
        more = f" and {len(worse) - 5} more" if len(worse) > 5 else ""
        return GateResult(
            "no cohort worse",
            "blocked",
            f"Worse: {named}{more}.",
            "train with more weight on them, or serve them with the champion",
        )
    undecided = sum(cell.verdict is Verdict.INCONCLUSIVE for cell in cells)
    untested = sum(cell.verdict is Verdict.NOT_APPLICABLE for cell in cells)
    sentence = f"No cohort is shown to be worse; of {len(cells)} cells {undecided} are undecided and {untested} have too few rows."
    return GateResult("no cohort worse", "passed", sentence, "")
