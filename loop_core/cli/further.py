"""What a comparison looked at beside metrics, as lines and tables of `loop compare`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loop_core.cli.console import gained, say, show

if TYPE_CHECKING:
    from loop_core.compare import Scorecard

_FAIRNESS = {
    "cohort": "protected", "measure": "measure", "groups": "groups", "champion": "gap, champion", "challenger": "gap, challenger",
    "gain": "difference (95 %)", "verdict": "verdict",
}  # fmt: skip


def say_further(card: Scorecard) -> None:
    """Fairness, mutation tests and the contract; what is not declared is said, not passed over."""
    told = [one for one in card.fairness if one.difference is not None]
    if told:
        show([gained(one) for one in told], False, _FAIRNESS)
    for gap in card.fairness:
        if gap.difference is None:
            say(f"fairness {gap.cohort}, {gap.sentence}")
    if not card.fairness and card.champion is not None:
        say("fairness: the charter declares no protected cohort, so no gaps are looked at.")
    for test in card.mutations:
        example = f" E.g. {test.example}." if test.example and test.state in ("broken", "undecided") else ""
        say(f"mutation tests, {test.what}: {test.state.replace('_', ' ')}. {test.sentence}{example}")
    for part in card.contract:
        if part.state != "ok":
            say(f"contract, {part.check}: {part.state}. {part.sentence}")
