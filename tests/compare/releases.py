"""Comparisons of two models in many cohorts, over and over: how often a release is blocked, held, or let through."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
import numpy.typing as npt

from loop_core.charter import Charter, parse_charter
from loop_core.compare import Cell, Grouping, Pairs, Units, all_cells, everybody
from loop_core.compare.gates import evaluate_gates
from loop_core.vocabulary import Verdict

Floats = npt.NDArray[np.float64]
#: Margin inside cohorts, in log loss.
MARGIN = 0.02

CHARTER = f"""
[loop]
name = "trial"
title = "Trial"
purpose = "Late?"
[roles]
owner = "ana"
[[features]]
name = "x"
type = "number"
[labels]
horizon_days = 7
[[cohorts]]
name = "place"
expression = "x"
min_rows = 200
must_decide = true
[[metrics]]
name = "log_loss"
margin = {MARGIN / 2}
cohort_margin = {MARGIN}
"""


@cache
def charter() -> Charter:
    return parse_charter(CHARTER)


def judged(pairs: Pairs, places: npt.NDArray[np.int64]) -> tuple[str, list[Verdict]]:
    """(`blocked`, `held` or `passed`; the verdict of each place)."""
    names = tuple(f"p{k}" for k in range(int(places.max()) + 1))
    groupings = (everybody(len(pairs)), Grouping("place", names, places, 200))
    cells = all_cells(charter(), pairs, groupings)
    gates = {gate.name: gate.state for gate in evaluate_gates(charter(), cells, len(pairs))}
    # What a cohort does to a release; everybody's own gate is about another question.
    states = {gates["no cohort worse"], gates["place decided"]}
    state = next((s for s in ("blocked", "held") if s in states), "passed")
    return state, [cell.verdict for cell in cells if cell.cohort is not None]


def equal_models(
    rng: np.random.Generator, learn: Callable[[np.random.Generator], tuple[Floats, Floats, Floats]]
) -> tuple[str, list[Verdict]]:
    """Twelve places of 500 rows, two models that are as good."""
    labels, champion, challenger = learn(rng)
    places = np.repeat(np.arange(12), 500)
    return judged(Pairs(labels, champion, challenger, Units(None, len(labels))), places)


def exchangeable(rng: np.random.Generator, n: int = 6000) -> tuple[Floats, Floats, Floats]:
    """(labels, scores, scores) of two models that see the same thing with noise of their own."""
    labels = (rng.random(n) < 0.3).astype(np.float64)
    shared, scores = rng.standard_normal(n), []
    for _ in range(2):
        x = labels + 0.8 * shared + 0.6 * rng.standard_normal(n)
        scores.append(1 / (1 + np.exp(-(x - 0.5 + np.log(3 / 7)))))
    return labels, scores[0], scores[1]


def one_harmed(rng: np.random.Generator, margins: float) -> tuple[str, Verdict]:
    """50,000 rows, two equal models, but for 2,500 rows whose log loss is worse by so many margins; (state, its verdict)."""
    labels, champion, challenger = exchangeable(rng, 50_000)
    places = np.concatenate([np.zeros(2500, dtype=np.int64), 1 + rng.integers(0, 10, 47_500)])
    challenger = challenger.copy()
    mine = slice(0, 2500)
    challenger[mine] = _worse(challenger[mine], margins * MARGIN)
    state, verdicts = judged(Pairs(labels, champion, challenger, Units(None, len(labels))), places)
    return state, verdicts[0]


def _worse(scores: Floats, by: float) -> Floats:
    """Scores pulled towards a wrong constant until the expected log loss has risen by `by` on a large sample."""
    share = _pull(by)
    return np.asarray((1 - share) * scores + share * 0.75)


@cache
def _pull(by: float) -> float:
    labels, _, scores = exchangeable(np.random.default_rng(0), 1_000_000)
    low, high, before = 0.0, 1.0, _loss(labels, scores)
    for _ in range(30):
        middle = (low + high) / 2
        rise = _loss(labels, (1 - middle) * scores + middle * 0.75) - before
        low, high = (middle, high) if rise < by else (low, middle)
    return high


def _loss(labels: Floats, scores: Floats) -> float:
    return float(-np.log(np.where(labels > 0.5, scores, 1 - scores)).mean())


def decided_after(rng: np.random.Generator, separation: float) -> bool | None:
    """Whether the rows an undecided comparison asks for decide it; None: it was decided at once."""
    first = _rows(rng, 600, separation)
    cell = _overall(first)
    if cell.rows_needed is None:
        return None
    more = _rows(rng, cell.rows_needed, separation)
    together = Pairs(
        np.concatenate([first.labels, more.labels]),
        np.concatenate([first.champion, more.champion]),
        np.concatenate([first.challenger, more.challenger]),
        Units(None, len(first) + len(more)),
    )
    return _overall(together).verdict is not Verdict.INCONCLUSIVE


def _overall(pairs: Pairs) -> Cell:
    return all_cells(charter(), pairs, (everybody(len(pairs)),))[0]


def _rows(rng: np.random.Generator, n: int, separation: float) -> Pairs:
    labels = (rng.random(n) < 0.3).astype(np.float64)
    shared, scores = rng.standard_normal(n), []
    for s in (1.0, separation):
        x = s * labels + 0.8 * shared + 0.6 * rng.standard_normal(n)
        scores.append(1 / (1 + np.exp(-(s * x - s**2 / 2 + np.log(3 / 7)))))
    return Pairs(labels, scores[0], scores[1], Units(None, n))
