"""The conditions of a release: enough rows, no goal or guardrail worse, no cohort worse, and what the charter adds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from loop_core.charter import Charter
from loop_core.compare.metrics import words_of
from loop_core.compare.scorecard import Cell, GateResult, GateState
from loop_core.figures import decimals_apart
from loop_core.signed import decimals, signed_difference
from loop_core.vocabulary import Verdict

#: A comparison with fewer rows is held: below this even the intervals are bootstrapped.
MIN_ROWS = 200
#: So many groups are named in a sentence; the table has the rest.
NAMED = 5
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
_DECIDED = " decided"


def evaluate_gates(
    charter: Charter,
    cells: Sequence[Cell],
    n: int,
    unproven: str | None = None,
    further: Sequence[GateResult] = (),
) -> tuple[GateResult, ...]:
    """Every gate's state. `worse` blocks; not knowing overall holds; not knowing in a cohort is said, and holds where the
    charter wants that cohort decided.

    Args:
        charter: names the binding metrics and the cohorts that must be decided.
        cells: of the scorecard.
        n: rows compared.
        unproven: the challenger's version where it does not say what it was trained on; None: it does.
        further: gates of what else was looked at: slices, fairness, mutations, the contract.
    """
    binding = [metric.name for metric in charter.metrics if metric.block != "signal"]
    if not binding:
        return (_no_metric(), _rows_gate(n, unproven), *further)
    overall = [_overall_gate(cell) for cell in cells if cell.cohort is None and cell.metric in binding]
    inside = [cell for cell in cells if cell.cohort is not None and cell.metric in binding]
    none_worse = [_cohort_gate(inside)] if inside else []
    return (_rows_gate(n, unproven), *overall, *none_worse, *_decided_gates(charter, inside), *further)


def first_gates(
    charter: Charter, n: int, unproven: str | None, further: Sequence[GateResult]
) -> tuple[GateResult, ...]:
    """The gates of a first release, where nothing can be better or worse: its rows, and that people have to decide.

    Args:
        charter: of the loop.
        n: rows on which the model was looked at.
        unproven: the model's version where it does not say what it was trained on; None: it does.
        further: gates that need no champion.
    """
    first = GateResult(
        "first release",
        "held",
        f"No model of {charter.name} serves, so there is nothing this one could be worse than; people decide.",
        "look at its values by cohort, then propose it; somebody else approves",
    )
    return (first, _rows_gate(n, unproven), *further)


def decided_gate(cohort: str) -> str:
    """Name of the gate of a cohort that must be decided."""
    return cohort + _DECIDED


def undecided_cohorts(gates: Sequence[GateResult]) -> frozenset[str]:
    """Cohorts whose gate `… decided` is held."""
    held = (gate.name for gate in gates if gate.state == "held" and gate.name.endswith(_DECIDED))
    return frozenset(name.removesuffix(_DECIDED) for name in held)


def _no_metric() -> GateResult:
    return GateResult(
        "metrics",
        "held",
        "No verdict: the charter names no goal or guardrail metric, so nothing says what worse would be.",
        'declare one under [[metrics]], with block = "goal" or "guardrail" and a margin',
    )


def _rows_gate(n: int, unproven: str | None) -> GateResult:
    if unproven:
        sentence = f"{unproven} does not say what it was trained on; these {n:,} rows may be among it."
        return GateResult("rows", "held", sentence, "ask its maker, and let people decide")
    if n >= MIN_ROWS:
        return GateResult(
            "rows", "passed", f"{n:,} labelled rows that are due and that the challenger has not seen.", ""
        )
    return GateResult(
        "rows", "held", f"{n:,} labelled rows that are due; a release asks for {MIN_ROWS}.", "wait for labels"
    )


def _overall_gate(cell: Cell) -> GateResult:
    name, state = f"{cell.metric} overall", _STATES[cell.verdict]
    if cell.difference is None:
        return GateResult(name, "held", f"Not estimable: {cell.reason}.", _missing(cell))
    of = f", n = {cell.n:,}" if cell.n else ""
    sentence = f"{_SAID.get(cell.verdict, cell.reason).capitalize()}: {_numbers(cell)} against a margin of {cell.margin:g}{of}."
    steps = {
        "passed": "",
        "blocked": "do not release; look at the cohorts that lose",
        "held": _wait([cell]),
    }
    return GateResult(name, state, sentence, steps[state])


def _missing(cell: Cell) -> str:
    """What would make a metric estimable."""
    if cell.metric.startswith("latency"):
        return "let both answer for a while with their latency logged"
    if cell.metric == "model_bytes":
        return "weigh it where it lives, and set the gate aside with what was found"
    return "wait for labels of both classes"


def _cohort_gate(cells: Sequence[Cell]) -> GateResult:
    worse = [cell for cell in cells if cell.verdict is Verdict.WORSE]
    if worse:
        said = [
            f"{c.cohort} {c.cohort_value} {words_of(c.metric)} {signed_difference(c.difference or 0.0)} (n = {c.n:,})"
            for c in worse
        ]
        return GateResult(
            "no cohort worse",
            "blocked",
            f"Worse: {_listed(said)}.",
            "train with more weight on them, or serve them with the champion",
        )
    undecided = sum(cell.verdict is Verdict.INCONCLUSIVE for cell in cells)
    untested = sum(cell.verdict is Verdict.NOT_APPLICABLE for cell in cells)
    sentence = f"No cohort is shown to be worse; of {len(cells)} cells {undecided} are undecided and {untested} have too few rows."
    return GateResult("no cohort worse", "passed", sentence, "")


def _decided_gates(charter: Charter, cells: Sequence[Cell]) -> Iterator[GateResult]:
    for cohort in charter.cohorts:
        if cohort.must_decide:
            yield _decided_gate(cohort.name, [cell for cell in cells if cell.cohort == cohort.name])


def _decided_gate(cohort: str, cells: Sequence[Cell]) -> GateResult:
    """Held while a value with enough rows is undecided; `worse` is decided, and another gate's business."""
    open_ = [cell for cell in cells if cell.verdict is Verdict.INCONCLUSIVE]
    untested = sum(cell.verdict is Verdict.NOT_APPLICABLE for cell in cells)
    if not open_:
        apart = f"; {untested} of {len(cells)} cells have no verdict, mostly for too few rows" if untested else ""
        return GateResult(decided_gate(cohort), "passed", f"No {cohort} with enough rows is undecided{apart}.", "")
    said = [f"{c.cohort_value} {words_of(c.metric)} {_numbers(c)}" for c in open_]
    sentence = f"The charter wants every {cohort} decided; undecided: {_listed(said)}."
    return GateResult(decided_gate(cohort), "held", sentence, _wait(open_))


def _wait(cells: Sequence[Cell]) -> str:
    """How many rows to wait for, and until when at the present rate: of the cell that asks for the latest date."""
    asking = [cell for cell in cells if cell.rows_needed]
    if not asking:
        if any(cell.bound_low is not None for cell in cells):
            return "find labels for rows that have none, or say in [labels] what those count as that never get one"
        return "wait for more rows"
    slowest = max(asking, key=lambda cell: (cell.decided_on is None, cell.decided_on or 0, cell.rows_needed))
    of = f" of {slowest.cohort_value}" if slowest.cohort is not None else ""
    by = (
        f"there by {slowest.decided_on:%Y-%m-%d}, which decides it 4 times in 5"
        if slowest.decided_on
        else "more than a year away at this rate"
    )
    return f"wait for about {slowest.rows_needed:,} more rows{of}, {by}"


def _numbers(cell: Cell) -> str:
    """Difference and interval, in digits that tell them from the margin too; bytes and long latencies without decimals that
    nobody could mean."""
    told = [abs(value) for value in (cell.difference, cell.ci_low, cell.ci_high, cell.margin) if value is not None]
    least = 0 if max(told) >= 1_000 else 4
    places = decimals_apart(*told, least=least, figures=1)
    number = None if places is None else decimals(places)
    said = signed_difference(cell.difference or 0.0, cell.ci_low, cell.ci_high, number=number)
    return f"{said}; {cell.bounds}" if cell.bounds else said


def _listed(said: Sequence[str]) -> str:
    return "; ".join(said[:NAMED]) + (f" and {len(said) - NAMED} more" if len(said) > NAMED else "")
