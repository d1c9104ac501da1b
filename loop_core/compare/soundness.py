"""Mutation tests and contract of one model, on the same rows, with packages read once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from loop_core.compare.contract_check import checked, external_check
from loop_core.compare.contract_result import ContractResult
from loop_core.compare.further_gates import soundness_gates
from loop_core.compare.inputs import newest_inputs, scorer
from loop_core.compare.mutation_result import MutationResult
from loop_core.compare.mutations import EXTERNAL, declared, tried, untested
from loop_core.compare.scorecard import GateResult
from loop_core.workspace import Loop


@dataclass(frozen=True)
class Soundness:
    """What was found of a model that needs no label."""

    mutations: tuple[MutationResult, ...]
    contract: tuple[ContractResult, ...]

    @property
    def gates(self) -> tuple[GateResult, ...]:
        """What that does to a release."""
        return soundness_gates(self.mutations, self.contract)


def soundness(
    loop: Loop, version: str, against: str | None, as_of: datetime, *, snapshot: int | None = None, seed: int = 0
) -> Soundness:
    """What `mutation_tests` and `contract_check` find.

    Args:
        loop: the loop.
        version: registered model.
        against: version whose mutation tests are put beside; None: none is.
        as_of: UTC instant; the rows are drawn from the newest predictions before it.
        snapshot: lake snapshot to read; None: the newest.
        seed: of the draw and of the noise.
    """
    model = scorer(loop, version)
    if model is None:
        return Soundness(untested(loop.charter, EXTERNAL), external_check(loop, version, as_of, snapshot))
    rows = newest_inputs(loop, as_of, seed=seed, snapshot=snapshot)
    champion = scorer(loop, against) if declared(loop.charter) else None
    return Soundness(tried(loop.charter, rows, model, champion, seed), checked(loop, model, rows))
