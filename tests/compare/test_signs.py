"""A challenger that is plainly worse is called worse by every metric, wherever it is said, and better the other way round."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from app.scorecards import cell_line
from loop_core.charter import Metric
from loop_core.cli.console import gained
from loop_core.compare import Cell, Pairs
from loop_core.compare.card import _comparison
from loop_core.compare.cells import _cell
from loop_core.compare.export import _cell as exported
from loop_core.compare.gates import _overall_gate
from loop_core.compare.groups import everybody
from loop_core.compare.metrics import METRICS, estimates
from loop_core.compare.scorecard import Scorecard
from loop_core.compare.sentence import sentence
from loop_core.vocabulary import Task, Verdict
from tests.compare.worlds import pairs_of, task_of, terms_at
from tests.conftest import START

N, PREVALENCE = 4_000, 0.3
SAID = re.compile(r"[\d.,]+ (better|worse) \([\d.,]+ to [\d.,]+\)")


def spoilt(metric: str, pairs: Pairs, rng: np.random.Generator) -> Pairs:
    """The champion against itself with half of its scores exchanged; numbers far off, and all too high."""
    if task_of(metric) is Task.REGRESSION:
        return replace(pairs, challenger=pairs.champion + 3 + rng.normal(0, 2, N))
    challenger, half = pairs.champion.copy(), rng.permutation(N)[: N // 2]
    challenger[half] = challenger[rng.permutation(half)]
    return replace(pairs, challenger=challenger)


def everywhere(cell: Cell) -> dict[str, str]:
    """Where a difference is told → how."""
    card = Scorecard(
        "l", "old", "new", START, START, START, N, (cell,), "Undecided", sentence([cell], 4), (), "", 0, "", id="s"
    )
    return {
        "command": gained(cell)["gain"],
        "page": cell_line(cell),
        "card": "\n".join(_comparison(card)),
        "export": str(exported(cell)["difference"]),
        "gate": _overall_gate(cell).sentence,
        "sentence": card.sentence,
    }


@pytest.mark.parametrize("metric", METRICS)
def test_worse_is_worse_and_better_is_better_wherever_it_is_said(metric: str) -> None:
    rng = np.random.default_rng(3)
    worse = spoilt(metric, pairs_of(metric, rng, N, PREVALENCE, False), rng)
    better = replace(worse, champion=worse.challenger, challenger=worse.champion)
    for pairs, way, verdict in ((worse, "worse", Verdict.WORSE), (better, "better", Verdict.BETTER)):
        (found,) = estimates(metric, pairs, everybody(N), terms_at(PREVALENCE))
        declared = Metric.model_construct(name=metric, margin=0.0005, block="goal", cohort_margin=None, quantile=0.7)
        cell = _cell(declared, everybody(N), 0, found)
        assert cell.verdict is verdict
        rises = cell.challenger > cell.champion if metric != "bias" else abs(cell.challenger) > abs(cell.champion)
        assert rises is (METRICS[metric].more_is_better == (way == "better"))
        for place, said in everywhere(cell).items():
            told = SAID.search(said)
            assert told, (place, said)
            assert told[1] == way, (place, said)
            assert not re.search(r"(?<!\d)[-−]\d", said), (place, said)
