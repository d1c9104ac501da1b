"""The gates of what is looked at beside metrics: mutation tests, the contract, fairness."""

from __future__ import annotations

from collections.abc import Sequence

from loop_core.compare.contract_result import ContractResult
from loop_core.compare.fairness_result import FairnessResult
from loop_core.compare.mutation_result import MutationResult
from loop_core.compare.scorecard import GateResult
from loop_core.vocabulary import Verdict

#: So many findings are spelled out in a sentence; the panel has the rest.
NAMED = 3


def soundness_gates(mutations: Sequence[MutationResult], contract: Sequence[ContractResult]) -> tuple[GateResult, ...]:
    """The gates `mutation tests` (none where the charter declares nothing to test) and `contract`.

    Args:
        mutations, contract: of one model.
    """
    declared = [one for one in mutations if one.feature]
    return (*([_mutation_gate(declared)] if declared else []), *([_contract_gate(contract)] if contract else []))


def _mutation_gate(results: Sequence[MutationResult]) -> GateResult:
    name = "mutation tests"
    broken = [one for one in results if one.state == "broken"]
    if broken:
        said = [f"{one.what}: {one.sentence} {one.example}".rstrip(" .") for one in broken]
        todo = "look at the example; train with that feature capped, monotone or left out"
        return GateResult(name, "blocked", f"Too far: {_listed(said)}.", todo)
    untested = [one for one in results if one.state == "not_tested"]
    if len(untested) == len(results):
        return GateResult(name, "held", f"Not tested: {untested[0].reason}.", "have it tested where it can be asked")
    undecided = [one for one in results if one.state == "undecided"]
    if undecided:
        said = [f"{one.what}: {one.sentence}".rstrip(".") for one in undecided]
        return GateResult(
            name, "held", f"Undecided: {_listed(said)}.", "wait for more predictions, or look at the example"
        )
    said = [f"{one.what} ({one.reason[0].lower()}{one.reason[1:]})" for one in untested]
    apart = f" Not tested: {_listed(said)}." if said else ""
    held = len(results) - len(untested)
    sentence = f"{held} declared {'change moves' if held == 1 else 'changes move'} no score further than the charter allows.{apart}"
    return GateResult(name, "passed", sentence, "")


def _contract_gate(results: Sequence[ContractResult]) -> GateResult:
    broken = [one for one in results if one.state == "broken"]
    if broken:
        said = _listed([f"{one.check}: {one.sentence}".rstrip(".") for one in broken])
        return GateResult("contract", "blocked", f"{said}.", broken[0].next_step)
    aside = [f"{one.check}: {one.sentence}".rstrip(".") for one in results if one.state != "ok"]
    fits = ", ".join(one.check for one in results if one.state == "ok")
    said = f"In order: {fits}." if fits else ""
    noted = f" To know: {_listed(aside)}." if aside else ""
    return GateResult(
        "contract",
        "passed" if fits else "held",
        f"{said}{noted}".strip(),
        "" if fits else "find out what it needs and says",
    )


def fairness_gates(results: Sequence[FairnessResult]) -> tuple[GateResult, ...]:
    """One gate a protected cohort: blocked where a gap is shown to widen, held where it may. Without a margin there is none.

    Args:
        results: of one comparison.
    """
    cohorts = dict.fromkeys(one.cohort for one in results if one.margin is not None)
    return tuple(_gate(cohort, [one for one in results if one.cohort == cohort]) for cohort in cohorts)


def _gate(cohort: str, results: Sequence[FairnessResult]) -> GateResult:
    name = f"fairness {cohort}"
    worse = [one for one in results if one.verdict is Verdict.WORSE]
    if worse:
        said = " ".join(one.sentence for one in worse)
        return GateResult(
            name,
            "blocked",
            f"Wider: {said}",
            "look at the groups that are furthest apart; train with more weight on them",
        )
    open_ = [one for one in results if one.verdict is Verdict.INCONCLUSIVE]
    if open_:
        more = max(one.rows_needed or 0 for one in open_)
        said = " ".join(one.sentence for one in open_)
        step = f"wait for about {more:,} more rows" if more else "wait for more rows"
        if not more and any(one.bound_low is not None for one in open_):
            step = "find labels for rows that never got one, or let people decide"
        return GateResult(name, "held", f"Undecided: {said}", step)
    untold = [one for one in results if one.verdict is Verdict.NOT_APPLICABLE]
    if len(untold) == len(results):
        return GateResult(
            name,
            "held",
            f"No gap can be told: {untold[0].reason}.",
            "lower its min_rows, or wait for rows of every group",
        )
    said = " ".join(one.sentence for one in results)
    return GateResult(name, "passed", f"No gap widens beyond the margin: {said}", "")


def _listed(said: Sequence[str]) -> str:
    return "; ".join(said[:NAMED]) + (f" and {len(said) - NAMED} more" if len(said) > NAMED else "")
